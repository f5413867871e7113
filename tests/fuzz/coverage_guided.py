"""Lets coverage steer: messages that reach new code of the decoders are kept and changed further.

Rule: it needs the extra `fuzz` and goes on for as many seconds as it is told. A message that fails is printed
like one of the other run; what is random here cannot be said again by a number.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_AT_FIRST = re.compile(r"INITED +cov: (\d+)")
_AT_LAST = re.compile(r"DONE +cov: (\d+)")
_RUNS = re.compile(r"Done (\d+) runs in (\d+) second")
_TOPIC_ENDS = b"\n"
_LONGEST = 4096


def main() -> int:
    """Run as asked, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Let coverage steer the messages.")
    parser.add_argument("--seconds", type=int, default=60, help="how long (%(default)s)")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        _fuzz(asked.inside, asked.seconds)
    with tempfile.TemporaryDirectory(prefix="safetyd-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.coverage_guided", "--inside", folder]
        done = subprocess.run(
            [*command, "--seconds", str(asked.seconds)], capture_output=True, text=True, check=False
        )
    first, last, runs = (each.search(done.stderr) for each in (_AT_FIRST, _AT_LAST, _RUNS))
    if done.returncode or first is None or last is None or runs is None:
        print(done.stdout + "\n".join(done.stderr.splitlines()[-30:]))
        return 1
    print(
        f"{int(runs[1]):,} messages in {runs[2]} s, no exception, nothing accepted out of range; "
        f"coverage {int(first[1]):,} by the messages to begin with, {int(last[1]):,} at the end"
    )
    return 0


def _fuzz(folder: Path, seconds: int) -> None:
    """Fuzz in this process, which ends with it."""
    import atheris  # only here: it comes with the extra

    with atheris.instrument_imports(include=["safetyd.ingest", "safetyd.paths", "safetyd.core.quality"]):
        from tests.fuzz.decoding import smallest, told
        from tests.fuzz.seeds import seeds
        from tests.fuzz.target import Case, put

    kept: Any = seeds()
    ways = [way for seed in kept for way in seed.ways]
    for number, seed in enumerate(kept):
        head = ways.index(seed.case.way).to_bytes(2, "big") + bytes([seed.case.retain])
        said = head + seed.case.topic.encode() + _TOPIC_ENDS + seed.case.payload
        (folder / f"{number:04}").write_bytes(said)
    before = {seed.case.way: seed.case.before for seed in kept}

    def one(data: bytes) -> None:
        topic, _, payload = data[3:].partition(_TOPIC_ENDS)
        way = ways[int.from_bytes(data[:2], "big") % len(ways)]
        retain = data[2:3] == b"\x01"
        case = Case(way, topic.decode("utf-8", "replace"), payload, retain, before.get(way, ()))
        try:
            put(case)
        except Exception:
            print(told(smallest(case)), flush=True)
            raise

    limits = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *limits, str(folder)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
