"""A scale in Mettler-Toledo's continuous format, written from its manual and not from this project's code.

usage: scale.py TTY LOG COUNT

Writes COUNT frames to TTY, 20 ms apart, each with another weight and sign, and after every frame one line of JSON to LOG: what the scale
showed. Every seventh frame is spoilt on the way (one digit changed) and logged as null: nobody may ever see it.
"""
import json
import os
import sys
import termios
import time
import tty


def frame(gross, tare, motion):
    status_a = 0b00100000 | 3  # one place after the point
    status_b = 0b00100000 | (motion << 3) | ((gross < 0) << 1)
    body = bytes([2, status_a, status_b, 0b00100000]) + b"%6d%6d\r" % (abs(gross), tare)
    checksum = (128 - sum(b & 127 for b in body) % 128) % 128
    return body + bytes([checksum])


path, log_path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
tty.setraw(fd)
with open(log_path, "w") as log:
    for n in range(count):
        gross, tare, motion = (n * 7919) % 200000 - 100000, n % 500, n % 2
        said = frame(gross, tare, motion)
        shown = {"gross": gross / 10, "tare": tare / 10, "motion": bool(motion)}
        if n % 7 == 6:
            said, shown = said[:8] + bytes([said[8] ^ 1]) + said[9:], None
        os.write(fd, said)
        termios.tcdrain(fd)
        log.write(json.dumps(shown) + "\n")
        log.flush()
        time.sleep(0.02)
os.close(fd)
