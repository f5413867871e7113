"""What README.txt of a packet says: what it is, how to check it, what that proves and what it cannot."""

from collections.abc import Mapping
from typing import Any

_TEXT = """\
Evidence packet of {id}
{line}
Made by {made_by}, packet format {format}, as of {as_of}.

"As of" is the newest moment on record when the packet was made: that of the last row of the chain, or of the
last reading. What came later is not in it. Two packets made of the same record are the same to the byte.
{names}

What is in it
-------------
ticket.pdf      for reading and printing; drawn from ticket.json
ticket.json     everything about the ticket: duties, deadlines, history, notices, sensors, rules, coverage
history.csv     the history of ticket.json as a table
notices.csv     the notices of ticket.json as a table: a row for each address
readings.csv    every reading of the place on the days of the ticket, from a day before it on: as it was sent
                (value, unit), as it was marked when it came (mark, reason; "doubted" is rejected for what
                other rooms said), and as it counts now that all is known (judged, why, judged_value)
records.jsonl   the records as the store holds them: the ticket, its episodes, history, notices, deliveries;
                rules, calendar and sensors of the site; the digests of each day's readings
chain.jsonl     rows {first} to {last} of the chain: of each record its kind, number and digest only
attachments/    the files that go with notes, as they were given; look into them before you hand them on
{stamp}verify.py       checks all this; a program of some 600 lines in Python, for reading too
manifest.json   the SHA-256 of each part

No cell of the tables is a formula: one that might be taken for one begins with an apostrophe.

How to check it
---------------
  python3 verify.py PACKET.zip
  python3 verify.py PACKET.zip --head HASH@NUMBER
  safetyd audit verify PACKET.zip --head HASH@NUMBER

Python 3.8 or later is all that the first two need; no network, no safetyd. They end with 0 if all is sound,
with 1 if anything is not (each thing is named, and what is still sound), with 2 if there is no packet.
The head of the chain was, when this packet was made:
  {head}
{stamped}
What that proves, and what it cannot
------------------------------------
- verify.py shows that nothing of the packet was changed, lost or slipped in since the manifest was written,
  that records, readings and chain fit each other, and that ticket.json says what the records say wherever it
  repeats them: ticket, episodes, deadlines, history, notices, deliveries, rules, what was done of each duty.
- What of ticket.json is not in a record it names on the line "not checked": safetyd worked it out of these
  records (coverage, series, verdict, whether a duty with nothing on record applies) or has it of the site
  file (names, topics, calibrations). That, ticket.pdf and how readings.csv judges the manifest alone holds.
- Whoever makes a false packet with care can write a manifest that fits, a chain that fits, and even
  another verify.py. Take that from a safetyd that you trust.
- Only a head that was given to both parties before the dispute proves more: with --head, that everything on
  record by then is what it was. Each morning safetyd sends it to administrator and association; take it from
  such a message or from your own file of heads, never from the packet.
- That no record of this ticket was left out, the packet cannot show by itself: of records that are not in it
  the chain has only a digest. `safetyd audit verify` on the store itself can show it.
- If ticket.pdf and ticket.json differ, ticket.json counts.
- That a sensor told the truth, hung where the record says, or was well calibrated, no hash can show; nor what
  was never written down. Names of building, room and site, as well as the topics of sensors, are those of the
  site file when the packet was made.
- Readings of a day that is not over have no digest yet, and that of a day on which somebody measured whose
  name is withheld is withheld too; verify.py counts the readings of such days.
- A name that is withheld cannot be read in the packet. Its digest is on the chain, as it must be: whoever
  knows all of a record but the name can try names until one fits.
- A digest of a day's readings names all rooms that were heard, with how many values each; not the values. A
  notice that told of several tickets at once is told whole.
- The packet states what is on record. It draws no legal conclusion.
"""

_PART = "stamp.tsr       the answer of an authority (RFC 3161) that a row of the chain was there\n"
_STAMPED = """
Row {number} was stamped {at} by {by}.
By the certificates of that authority, which you take from itself:
  openssl ts -verify -digest {hash} -in {path} -CAfile CERTIFICATES
and then, that the packet fits what was stamped, as far as that row is one of those in it:
  python3 verify.py PACKET.zip --head {hash}@{number}
"""


def read_me(document: Mapping[str, Any]) -> str:
    """Return the text."""
    id, head, segment = document["ticket"]["id"], document["head"], document["segment"]
    names = "Names of educators who reported are in it."
    if document["withheld"]:
        names = "Names of educators who reported are withheld as whole names; a surname alone stays."
    stamp = document["stamp"]
    return _TEXT.format(
        id=id,
        stamp=_PART if stamp else "",
        stamped=_STAMPED.format(**stamp) if stamp else "",
        line="=" * len(f"Evidence packet of {id}"),
        made_by=document["made_by"],
        format=document["format"],
        as_of=document["as_of"],
        names=names,
        first=segment["first"] if segment else 0,
        last=segment["last"] if segment else 0,
        head=f"{head['hash']}@{head['number']}" if head else "none: the chain was empty",
    )
