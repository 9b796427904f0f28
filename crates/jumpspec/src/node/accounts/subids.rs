//! subuid(5) and subgid(5).

/// One `owner:start:count` line.
struct Range<'a> {
    line: &'a str,
    owner: &'a str,
    start: u64,
    count: u64,
}

impl Range<'_> {
    fn overlaps(&self, other: &Range<'_>) -> bool {
        self.start < other.start.saturating_add(other.count)
            && other.start < self.start.saturating_add(self.count)
    }
}

/// Merges a `subuid` or `subgid`: the carried accounts' ranges come from the old
/// system; ranges of the image that overlap with them go. Broken lines are left out.
pub fn merge_subids(old: &str, new: &str, carried: &[String]) -> String {
    let is_carried = |range: &Range<'_>| carried.iter().any(|name| name == range.owner);
    let coming: Vec<Range<'_>> = ranges(old).filter(|range| is_carried(range)).collect();
    let stays =
        |range: &Range<'_>| !is_carried(range) && !coming.iter().any(|other| other.overlaps(range));
    let lines = ranges(new).filter(stays).map(|range| range.line);
    super::text(
        lines
            .chain(coming.iter().map(|range| range.line))
            .map(str::to_owned),
    )
}

fn ranges(text: &str) -> impl Iterator<Item = Range<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let owner = fields.next().filter(|owner| !owner.is_empty())?;
        let start = fields.next()?.parse().ok()?;
        let count = fields.next()?.parse().ok()?;
        fields.next().is_none().then_some(Range {
            line,
            owner,
            start,
            count,
        })
    })
}
