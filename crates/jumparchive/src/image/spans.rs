//! What the threads share that work on pieces of one large entry.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::image::opened::Image;
use crate::tar::entry::Entry;

/// An entry whose content is in several frames.
pub(crate) struct Span<T> {
    /// The frame in which it begins.
    pub(crate) head: usize,
    /// The entry.
    pub(crate) entry: Entry,
    /// What the threads do with it.
    pub(crate) work: T,
    /// Bytes of content in its first frame.
    first: u64,
    /// Pieces that are not done.
    left: AtomicUsize,
}

/// Those under way, by the frame in which they begin. Whoever has a later piece waits
/// until the first frame's thread has brought the entry.
pub(crate) struct Spans<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    open: HashMap<usize, Arc<Span<T>>>,
    abandoned: bool,
}

impl<T> Spans<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                open: HashMap::new(),
                abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Shares an entry that begins in frame `head` with `first` bytes of content.
    pub(crate) fn open(
        &self,
        image: &Image,
        head: usize,
        (entry, first): (Entry, usize),
        work: T,
    ) -> Arc<Span<T>> {
        let span = Arc::new(Span {
            head,
            entry,
            work,
            first: first as u64,
            left: AtomicUsize::new(image.parts(head).len() + 1),
        });
        self.state().open.insert(head, Arc::clone(&span));
        self.changed.notify_all();
        span
    }

    /// Waits for the entry of which the frame `part` holds more; nothing if another
    /// thread has failed.
    pub(crate) fn wait(&self, image: &Image, part: usize) -> Option<Arc<Span<T>>> {
        let head = image.head(part);
        let waits = |state: &mut State<T>| !state.abandoned && !state.open.contains_key(&head);
        let state = self.changed.wait_while(self.state(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if state.abandoned {
            return None;
        }
        state.open.get(&head).cloned()
    }

    /// One piece is done; says whether it was the last.
    pub(crate) fn done(&self, span: &Span<T>) -> bool {
        // Each thread sees what the others have done before.
        let last = span.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if last {
            self.state().open.remove(&span.head);
        }
        last
    }

    /// Lets all go that wait: a thread has failed. Gives the spans under way, for some may
    /// wait for one another in there.
    pub(crate) fn abandon(&self) -> Vec<Arc<Span<T>>> {
        let mut state = self.state();
        state.abandoned = true;
        self.changed.notify_all();
        state.open.values().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Span<T> {
    /// Where the content in the frame `part` begins.
    pub(crate) fn offset(&self, image: &Image, part: usize) -> u64 {
        self.first + image.raw_length_of(self.head + 1..part)
    }

    /// What of a part's data, which begins at `offset`, is content and no padding.
    pub(crate) fn content<'d>(&self, offset: u64, data: &'d [u8]) -> &'d [u8] {
        let left = self.entry.stored().saturating_sub(offset);
        &data[..usize::try_from(left).map_or(data.len(), |left| left.min(data.len()))]
    }
}
