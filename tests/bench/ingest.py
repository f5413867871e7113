"""How fast, how soon, how small: the daemon's promises measured on this machine, in one run.

Rule: nothing here asserts; the table shows each figure beside its aim, and ratios are of runs side by side.

The burst is fair to both: the daemon and the yardstick (paho's network thread, QoS 1, a callback that does
nothing) each have a Mosquitto of their own with the same settings, and are connected and subscribed. The
client is stopped (SIGSTOP), all messages are published, so that they wait in the broker; then it goes on
(SIGCONT) and the clock runs until the N-th message is committed, or received, with a thousand more behind
it (those that wait for company at the very end are no part of a burst). So neither the publisher nor a rate
nor the start of a process has a part in it. They take turns, and the ratio is the median of the pairs.
Processor time is that of all threads of the process over the same span. Both speak MQTT 5 and ask for a
window of 1,000; Mosquitto grants that whatever its own setting is, so for its default window of 20 both
speak MQTT 3.1.1.
"""

import argparse
import sys

from copying import copying
from measures import FULL, QUICK, Figure
from measures import MEASURES as OTHERS

MEASURES = OTHERS | {"copying": copying}


def main() -> int:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description="Measure safetyd on this machine.")
    parser.add_argument("--quick", action="store_true", help="a third of the time, a rougher answer")
    parser.add_argument("--only", choices=[*MEASURES], action="append", help="may be given more than once")
    asked = parser.parse_args()
    for name, measure in MEASURES.items():
        if asked.only is None or name in asked.only:
            for figure in measure(QUICK if asked.quick else FULL):
                print(row(figure), flush=True)
    return 0


def row(figure: Figure) -> str:
    """Return one line of the table."""
    digits = 0 if figure.value >= 1000 else 1 if figure.value >= 100 else 2
    value = f"{figure.value:,.{digits}f}"
    return f"{figure.name:<42}{value:>10} {figure.unit:<13}{figure.aim:>7}  {figure.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
