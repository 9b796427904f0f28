//! A disk as a row of boxes, wide as the partitions are long, but never too narrow for
//! a partition's number.

use std::iter::once;

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// First sector.
    pub(super) start: u64,
    /// Length in sectors.
    pub(super) sectors: u64,
    /// What is written in it, two lines.
    pub(super) labels: [String; 2],
}

/// A box is never narrower, borders not counted.
const NARROWEST: usize = 4;
/// Labels ask for no more than this; they get more where the partition is long.
const LABEL_WISH: usize = 12;
/// Columns of the row's name on the left.
const MARGIN: usize = 9;
/// Free runs shorter than this part of the disk are not drawn.
const FREE_DRAWN: u64 = 50;

/// Draws the disk in lines, or none when so many partitions have no room in `width` columns.
pub(super) fn draw(name: &str, disk: u64, segments: &[Segment], width: usize) -> Vec<String> {
    let segments = with_free_runs(disk, segments);
    let Some(widths) = widths(&segments, width.saturating_sub(MARGIN)) else {
        return Vec::new();
    };
    let border = |left: &str, middle: &str, right: &str| {
        let runs: Vec<_> = widths.iter().map(|&width| "─".repeat(width)).collect();
        format!("{left}{}{right}", runs.join(middle))
    };
    let row = |line: usize| {
        let cells: Vec<_> = segments
            .iter()
            .zip(&widths)
            .map(|(segment, &width)| cell(&segment.labels[line], width))
            .collect();
        format!("│{}│", cells.join("│"))
    };
    let lines = [border("┌", "┬", "┐"), row(0), row(1), border("└", "┴", "┘")];
    let names = once(format!("  {name}")).chain(std::iter::repeat(String::new()));
    let rows = names.zip(lines);
    rows.map(|(name, line)| format!("{name:<MARGIN$}{line}"))
        .collect()
}

fn cell(label: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    let shown: String = label.chars().take(room).collect();
    format!(" {shown:<room$}")
}

/// The segments in the disk's order, with the runs between them that are worth a box.
fn with_free_runs(disk: u64, segments: &[Segment]) -> Vec<Segment> {
    let mut sorted = segments.to_vec();
    sorted.sort_by_key(|segment| segment.start);
    let mut all = Vec::new();
    let mut next = 0;
    let end = Segment {
        start: disk,
        sectors: 0,
        labels: Default::default(),
    };
    for segment in sorted.into_iter().chain(once(end)) {
        let free = segment.start.saturating_sub(next);
        if free > disk / FREE_DRAWN {
            let labels = [String::new(), "free".to_owned()];
            all.push(Segment {
                start: next,
                sectors: free,
                labels,
            });
        }
        next = next.max(segment.start.saturating_add(segment.sectors));
        all.extend(Some(segment).filter(|segment| segment.sectors > 0));
    }
    all
}

/// Columns of each box: what its labels ask for, and of the rest a share by length.
fn widths(segments: &[Segment], width: usize) -> Option<Vec<usize>> {
    let inner = width.checked_sub(segments.len() + 1)?;
    let wish = |segment: &Segment| {
        let longest = segment
            .labels
            .iter()
            .map(|label| label.chars().count())
            .max();
        (longest.unwrap_or(0).min(LABEL_WISH) + 1).max(NARROWEST)
    };
    let mut widths: Vec<usize> = segments.iter().map(wish).collect();
    if widths.iter().sum::<usize>() > inner {
        widths = vec![NARROWEST; segments.len()];
    }
    let spare = inner.checked_sub(widths.iter().sum())?;
    let lengths = segments.iter().map(|segment| u128::from(segment.sectors));
    let total: u128 = lengths.sum();
    for (width, segment) in widths.iter_mut().zip(segments) {
        let more = u128::from(segment.sectors) * spare as u128 / total.max(1);
        *width += usize::try_from(more).unwrap_or(0);
    }
    Some(widths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: u64, sectors: u64, label: &str) -> Segment {
        Segment {
            start,
            sectors,
            labels: [label.to_owned(), String::new()],
        }
    }

    #[test]
    fn draws_nothing_when_there_is_no_room() {
        let many: Vec<_> = (0..30).map(|i| segment(i * 10, 10, "x")).collect();
        assert!(draw("before", 300, &many, 80).is_empty());
    }

    #[test]
    fn every_line_is_as_wide_as_the_others_and_fits() {
        let drawn = draw(
            "before",
            1000,
            &[segment(1, 3, "1 ext4"), segment(10, 700, "2")],
            60,
        );
        let lengths: Vec<_> = drawn.iter().map(|line| line.chars().count()).collect();
        assert!(
            lengths
                .iter()
                .all(|length| *length == lengths[0] && *length <= 60),
            "{drawn:?}"
        );
        assert!(drawn.concat().contains("free"), "{drawn:?}");
    }
}
