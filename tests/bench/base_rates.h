// SPDX-License-Identifier: Apache-2.0
// What the parts that a daemon is made of can do by themselves on this machine.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace openexec::bench {

// Ed25519 verifications of a 200-byte message a second, by that many threads together.
double verifications_per_second(unsigned threads, double seconds);
// Microseconds for one Ed25519 signature of such a message.
double signature_us(double seconds);
// The median of what a 500-byte line takes to another thread and its 300-byte answer back, in microseconds, over a Unix
// stream socket, one at a time. The error is a text.
std::expected<double, std::string> round_trip_us(double seconds);

}  // namespace openexec::bench
