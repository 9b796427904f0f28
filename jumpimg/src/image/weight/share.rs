//! How much of the image's compressed bytes a stretch of its tar stream takes.
//!
//! A frame's compressed bytes are spread evenly over the tar data in it. Places in the
//! stream become places in the compressed file, and a stretch's share is the difference
//! of two of them: so the shares of all entries add up to the frames' lengths exactly,
//! however often frames and entries cut each other.

/// The way from places in the tar stream to places among the compressed bytes.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Where each frame begins in the compressed bytes, then where the last one ends.
    starts: Vec<u64>,
    /// Bytes of tar data in each frame.
    raw_lengths: Vec<u32>,
}

impl Shares {
    /// From each frame's compressed and uncompressed length.
    pub(crate) fn new(frames: impl Iterator<Item = (u32, u32)>) -> Self {
        let (mut starts, mut raw_lengths, mut end) = (vec![0], Vec::new(), 0_u64);
        for (length, raw_length) in frames {
            end += u64::from(length);
            starts.push(end);
            raw_lengths.push(raw_length);
        }
        Self {
            starts,
            raw_lengths,
        }
    }

    /// The place of what begins at `offset` in `frame`, counted from 0; the end if there
    /// is no such frame.
    pub(crate) fn place(&self, frame: u32, offset: u32) -> u64 {
        let frame = frame as usize;
        let (Some(raw_length), Some(bounds)) = (
            self.raw_lengths.get(frame),
            self.starts.get(frame..=frame + 1),
        ) else {
            return self.end();
        };
        let (begin, length) = (bounds[0], bounds[1] - bounds[0]);
        let raw_length = u64::from(*raw_length).max(1);
        // Both factors have 32 bits at most.
        begin + length * u64::from(offset).min(raw_length) / raw_length
    }

    /// The length of all frames.
    pub(crate) fn end(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Shares;

    #[test]
    fn shares_follow_each_frames_ratio_and_add_up() {
        // The second frame hardly shrinks.
        let shares = Shares::new([(100, 1000), (900, 1000)].into_iter());
        let places = [(0, 0), (0, 333), (0, 999), (1, 500)];
        let mut places: Vec<u64> = places.iter().map(|at| shares.place(at.0, at.1)).collect();
        assert_eq!(places, [0, 33, 99, 550]);
        places.push(shares.end());
        let sum: u64 = places.windows(2).map(|pair| pair[1] - pair[0]).sum();
        assert_eq!(sum, 1000);
    }

    #[test]
    fn places_outside_all_frames_are_the_end() {
        let shares = Shares::new([(10, 20)].into_iter());
        assert_eq!(shares.place(0, 99), 10);
        assert_eq!(shares.place(7, 0), 10);
        assert_eq!(Shares::new(std::iter::empty()).place(0, 0), 0);
    }
}
