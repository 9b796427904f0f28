use super::*;

#[test]
fn a_node_whose_reboot_passes_the_loader_by_is_refused() {
    assert_eq!(
        refused(|facts| facts.kexec = Kexec::Locked),
        ["kexec-locked"]
    );
}

#[test]
fn a_kernel_that_kexec_would_start_is_told() {
    let mut facts = facts();
    facts.kexec = Kexec::Loaded;
    let plan = planned(&facts, &job()).unwrap();
    let told = |note: &String| note.contains("kexec has loaded");
    assert!(plan.notes.iter().any(told), "{:?}", plan.notes);
}

#[test]
fn facts_of_before_kexec_was_asked_are_read_as_not_known() {
    let mut old = serde_json::to_value(facts()).unwrap();
    old.as_object_mut().unwrap().remove("kexec");
    let read: Facts = serde_json::from_value(old).unwrap();
    assert_eq!(read.kexec, Kexec::Unknown);
}
