//! The blocks that tar data comes in.

/// Of headers and content, in bytes (POSIX.1-2017, ustar interchange format).
pub(crate) const BLOCK: usize = 512;

/// Zeros from the end of `size` bytes of content to the next block.
pub(crate) fn padding(size: u64) -> &'static [u8] {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    &[0; BLOCK][..(BLOCK - over) % BLOCK]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_to_the_next_block() {
        assert_eq!(padding(0).len(), 0);
        assert_eq!(padding(1).len(), 511);
        assert_eq!(padding(512).len(), 0);
    }
}
