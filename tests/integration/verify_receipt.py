#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a receipt's proof from the specifications alone: c2sp.org/tlog-proof, signed-note, tlog-checkpoint,
tlog-cosignature and RFC 6962. It shares no code with OpenExec, and uses another Ed25519.

usage: verify_receipt.py PROOF --log-key VKEY [--witness VKEY]... [--quorum K] [--flip-bits]

Exits with 0 when the receipt is in the log that this key signed and K witnesses cosigned, else with 1. With
--flip-bits it also changes each bit of the proof, one at a time, and wants each change refused. It does not check the
approval, which the proof's extra line holds beside the receipt: changes of it alone are counted, not refused.
"""
import argparse
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = 1, 4  # signature types


class Refused(Exception):
    pass


def want(condition, what):
    if not condition:
        raise Refused(what)


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("not base64") from None
    want(base64.b64encode(data) == bytes(text), "not canonical base64")
    return data


class Key:
    def __init__(self, vkey, kind):
        name, key_id, key = vkey.encode().split(b"+", 2)
        typed = unbase64(key)
        want(typed[0] == kind and len(typed) == 33, "a key of the wrong type")
        self.name, self.id, self.kind = name, hashlib.sha256(name + b"\n" + typed).digest()[:4], kind
        want(self.id.hex() == key_id.decode(), "a key whose id is not its own")
        self.key = typed[1:]
        self.public = Ed25519PublicKey.from_public_bytes(self.key)

    def signed(self, note):
        """Whether this key signed the note. A false signature of a key that is known refuses the note."""
        found = False
        for name, blob in note.signatures:
            if name == self.name and blob[:4] == self.id:
                message, signature = note.text, blob[4:]
                if self.kind == WITNESS:
                    time = int.from_bytes(blob[4:12], "big")
                    message, signature = b"cosignature/v1\ntime %d\n" % time + note.text, blob[12:]
                try:
                    self.public.verify(signature, message)
                except (InvalidSignature, ValueError):
                    raise Refused("a signature that does not verify") from None
                found = True
        return found


class Note:
    def __init__(self, text, signatures):
        self.text, self.signatures = text, signatures


class Proof:
    """A document's parts, each of which can be changed by itself."""

    def __init__(self, document):
        lines = document.split(b"\n")
        want(len(lines) > 3 and lines[0] == b"c2sp.org/tlog-proof@v1", "no tlog-proof")
        want(lines[1].startswith(b"extra ") and lines[2].startswith(b"index "), "no extra or no index")
        self.leaf = leaf_of(unbase64(lines[1][6:]))
        self.index = lines[2][6:]
        blank = lines.index(b"", 3) if b"" in lines[3:] else len(lines)
        self.hashes = [unbase64(line) for line in lines[3:blank]]
        text, empty, signatures = b"\n".join(lines[blank + 1 :]).rpartition(b"\n\n")
        want(empty and signatures.endswith(b"\n"), "no signed note")
        self.note = Note(text + b"\n", [signature_of(line) for line in signatures[:-1].split(b"\n")])


def signature_of(line):
    dash, name, blob = (line.split(b" ", 2) + [b"", b""])[:3]
    want(dash == "\u2014".encode() and name, "no signature line")
    return name, unbase64(blob)


def no_duplicates(pairs):
    want(len(dict(pairs)) == len(pairs), "a duplicate member")
    return dict(pairs)


def leaf_of(extra):
    """The receipt in canonical form (RFC 8785; receipts hold integers, texts and names in ASCII)."""
    try:
        receipt = json.loads(extra.decode(), object_pairs_hook=no_duplicates)["receipt"]
    except (ValueError, KeyError, TypeError):
        raise Refused("no receipt") from None
    return json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def decimal(text):
    want(text.isdigit() and (text == b"0" or not text.startswith(b"0")), "no decimal")
    return int(text)


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(leaf, index, size, path):
    """RFC 6962, 2.1.1, read backwards: PATH(m, D[n]) splits at the largest power of two below n."""
    if size == 1:
        want(not path, "too long a path")
        return hashlib.sha256(b"\x00" + leaf).digest()
    want(path, "too short a path")
    k = 1 << (size - 1).bit_length() - 1
    if index < k:
        return node(root_from(leaf, index, k, path[:-1]), path[-1])
    return node(path[-1], root_from(leaf, index - k, size - k, path[:-1]))


def check(proof, log, witnesses, quorum):
    lines = proof.note.text.split(b"\n")
    want(len(lines) >= 4 and lines[0] == log.name, "a checkpoint of another log")
    index, size, root = decimal(proof.index), decimal(lines[1]), unbase64(lines[2])
    want(log.signed(proof.note), "not signed by the log")
    signers = [witness for witness in witnesses if witness.signed(proof.note)]
    cosigned = len({witness.key for witness in signers} - {log.key})  # a key counts once, and the log's own not at all
    want(cosigned >= quorum, f"cosigned by {cosigned}, {quorum} wanted")
    want(index < size and all(len(each) == 32 for each in proof.hashes), "an index or a hash out of range")
    want(root_from(proof.leaf, index, size, proof.hashes) == root, "not in the tree")
    return index, size, cosigned


def is_refused(make_proof, keys):
    try:
        check(make_proof(), *keys)
        return False
    except Refused:
        return True


def flips(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def flip_bits(document, keys):
    """Every bit of each part, then every bit of the document. Prints what was refused; True when all of it was."""
    trusted = {(key.name, key.id) for key in [keys[0], *keys[1]]}
    whole = Proof(document)

    def changed(**parts):
        proof = Proof.__new__(Proof)
        proof.__dict__.update({**whole.__dict__, **parts})
        return proof

    def with_item(items, at, item):
        return items[:at] + [item] + items[at + 1 :]

    accepted = {}
    for part in ("leaf", "index"):
        data = getattr(whole, part)
        accepted[part] = [not is_refused(lambda f=f: changed(**{part: f}), keys) for f in flips(data)]
    accepted["hashes"] = [
        not is_refused(lambda f=f: changed(hashes=with_item(whole.hashes, at, f)), keys)
        for at, each in enumerate(whole.hashes) for f in flips(each)]  # fmt: skip
    accepted["checkpoint"] = [
        not is_refused(lambda f=f: changed(note=Note(f, whole.note.signatures)), keys) for f in flips(whole.note.text)]
    accepted["signatures"] = [
        not is_refused(lambda f=f: changed(note=Note(whole.note.text, with_item(whole.note.signatures, at, (name, f)))), keys)
        for at, (name, blob) in enumerate(whole.note.signatures) if (name, blob[:4]) in trusted for f in flips(blob)]
    beside = 0
    accepted["document"] = []
    for f in flips(document):
        refused = is_refused(lambda f=f: Proof(f), keys)
        if not refused and Proof(f).__dict__["leaf"] == whole.leaf and f.split(b"\n")[2:] == document.split(b"\n")[2:]:
            beside += 1  # in the extra line, and the receipt is the same: a change of the approval
        else:
            accepted["document"].append(not refused)
    for part, each in accepted.items():
        print(f"{part}: {len(each)} changes, {sum(each)} accepted")
    print(f"approval beside the receipt: {beside} changes, not checked here")
    return not any(any(each) for each in accepted.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proof")
    parser.add_argument("--log-key", required=True)
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--quorum", type=int)
    parser.add_argument("--flip-bits", action="store_true")
    arguments = parser.parse_args()
    with open(arguments.proof, "rb") as file:
        document = file.read()
    witnesses = [Key(vkey, WITNESS) for vkey in arguments.witness]
    keys = Key(arguments.log_key, LOG), witnesses, len(witnesses) if arguments.quorum is None else arguments.quorum
    try:
        index, size, cosigned = check(Proof(document), *keys)
    except Refused as refusal:
        print(f"refused: {refusal}")
        return 1
    print(f"entry {index} of {size} in {keys[0].name.decode()}, cosigned by {cosigned}")
    return 0 if not arguments.flip_bits or flip_bits(document, keys) else 1


if __name__ == "__main__":
    sys.exit(main())
