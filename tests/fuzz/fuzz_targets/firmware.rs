//! Any bytes as the value of a firmware's variable: an entry, an order, a number.
#![no_main]

use jumpspec::boot::uefi::{BootOrder, EntryNumber, LoadOption};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = LoadOption::parse(data) {
        written(&entry);
    }
    if let Some(order) = BootOrder::from_bytes(data) {
        assert_eq!(order.to_bytes(), data);
        let first = order.with_first(EntryNumber(0));
        assert!(first.keeps(&BootOrder(vec![EntryNumber(0)])));
        assert_eq!(first.without(EntryNumber(0)), order.without(EntryNumber(0)));
    }
    let _ = EntryNumber::from_bytes(data);
    let _ = LoadOption::arguments(data);
});

/// What was read of an entry is read again from what is written of it.
fn written(entry: &LoadOption) {
    let Some(file) = &entry.file else { return };
    // A path of half a variable, or with a NUL or slashes where FAT has none, is written otherwise.
    let is_plain = !file.path.is_empty()
        && !file.path.starts_with('/')
        && !file.path.contains('\0')
        && !entry.description.contains('\0');
    let Ok(value) = LoadOption::value(&entry.description, file) else {
        return;
    };
    let again = LoadOption::parse(&value).expect("an entry of ours is one");
    if is_plain {
        assert_eq!(again.file.as_ref(), Some(file));
        assert_eq!(again.description, entry.description);
    }
}
