// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_tool.h"

int main(int argc, char** argv) { return openexec::run_store_tool({argv + (argc > 0 ? 1 : 0), argv + argc}); }
