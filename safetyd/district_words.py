"""In words, how a district's buildings go into shards."""

from collections.abc import Iterator

from safetyd.calendar_words import listed
from safetyd.configuration import Loaded
from safetyd.core.shards import name_of, shard_of


def district_words(whole: Loaded) -> Iterator[str]:
    """Yield what `[district]` means, and which buildings each shard has."""
    district = whole.settings.district
    if district is None or whole.site.part is not None:
        return
    yield ""
    yield f"Workers share {district.shards} shards (safetyd run --role worker), each a store of its own:"
    for shard in range(district.shards):
        here = [each.id for each in whole.site.buildings if shard_of(each.id, district.shards) == shard]
        what = ", and what is nobody's" if shard == 0 else ""
        yield f"  {name_of(shard)}: {listed(here) if here else 'no building yet'}{what}"
