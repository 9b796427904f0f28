//! The variables of a run, followed by a firmware in a folder: whatever is the last write before a
//! cut, the node boots what the journey says.

use super::*;
use jumpspec::boot::uefi::Esp;
use jumpspec::disk::Extent;

const OURS: EntryNumber = EntryNumber(0);
const OLD: EntryNumber = EntryNumber(4);
const PXE: EntryNumber = EntryNumber(1);
const NEW: EntryNumber = EntryNumber(2);

fn boot(new_entry: EntryNumber) -> UefiBoot {
    let path = |path: &str| path.parse().unwrap();
    UefiBoot {
        beside: None,
        esp: Esp {
            number: 1,
            extent: Extent {
                start: 2048,
                sectors: 1 << 20,
            },
            partuuid: "8b1a2f6e-7c3d-4e5f-9a0b-1c2d3e4f5061".to_owned(),
        },
        entry: OURS,
        old_entry: OLD,
        old: path("EFI/debian/shimx64.efi"),
        new_entry,
        new: path("EFI/ubuntu/shimx64.efi"),
        new_name: "ubuntu".to_owned(),
        mount: "/boot/efi".parse().unwrap(),
        order: BootOrder(vec![OLD, PXE]),
        fallback: true,
    }
}

/// A machine whose variables are files.
struct Machine {
    _folder: tempfile::TempDir,
    vars: EfiVars,
}

impl Machine {
    fn new(uefi: &UefiBoot) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vars = EfiVars::at(folder.path());
        let old = LoadOption::value("debian", &on_esp(uefi, uefi.old.as_str())).unwrap();
        vars.write(&OLD.to_string(), &old).unwrap();
        vars.write(BOOT_ORDER, &uefi.order.to_bytes()).unwrap();
        let machine = Self {
            _folder: folder,
            vars,
        };
        machine.boots();
        machine
    }

    /// Boots as the specification says: once by BootNext, which is deleted first, or else by the order.
    fn boots(&self) -> Option<EntryNumber> {
        let next = number(&self.vars, BOOT_NEXT).unwrap();
        self.vars.remove(BOOT_NEXT).unwrap();
        let order = order(&self.vars).unwrap();
        let is_there =
            |number: &EntryNumber| self.vars.read(&number.to_string()).unwrap().is_some();
        let booted = next.into_iter().chain(order.0).find(is_there);
        self.vars.remove(BOOT_CURRENT).unwrap();
        let current = booted?;
        self.vars.write(BOOT_CURRENT, &current.to_bytes()).unwrap();
        Some(current)
    }

    fn order(&self) -> BootOrder {
        order(&self.vars).unwrap()
    }
}

#[test]
fn armed_it_boots_once_and_then_the_old_system() {
    let uefi = boot(NEW);
    let machine = Machine::new(&uefi);
    arm(&machine.vars, &uefi).unwrap();
    assert_eq!(machine.order(), BootOrder(vec![OLD, PXE, OURS]));
    assert_eq!(machine.boots(), Some(OURS));
    prove(&machine.vars, &uefi, false).unwrap();
    assert_eq!(machine.boots(), Some(OLD));
    assert!(
        prove(&machine.vars, &uefi, false).is_err(),
        "it is not jump"
    );
}

#[test]
fn arming_twice_is_arming_once_and_an_entry_of_somebody_else_stays() {
    let uefi = boot(NEW);
    let machine = Machine::new(&uefi);
    arm(&machine.vars, &uefi).unwrap();
    arm(&machine.vars, &uefi).unwrap();
    assert_eq!(machine.order(), BootOrder(vec![OLD, PXE, OURS]));

    let machine = Machine::new(&uefi);
    machine.vars.write(&OURS.to_string(), b"other").unwrap();
    assert!(arm(&machine.vars, &uefi).is_err());
    assert_eq!(machine.order(), uefi.order);
    assert_eq!(machine.boots(), Some(OLD));
}

#[test]
fn an_order_that_changed_since_the_plan_is_not_armed() {
    let uefi = boot(NEW);
    let machine = Machine::new(&uefi);
    let changed = BootOrder(vec![PXE, OLD]);
    machine.vars.write(BOOT_ORDER, &changed.to_bytes()).unwrap();
    assert!(arm(&machine.vars, &uefi).is_err());
}

#[test]
fn a_firmware_that_resets_its_order_is_seen_before_the_commit() {
    let uefi = boot(NEW);
    let machine = Machine::new(&uefi);
    arm(&machine.vars, &uefi).unwrap();
    machine.boots();
    follow(&machine.vars, &uefi).unwrap();
    assert_eq!(machine.boots(), Some(OURS));
    prove(&machine.vars, &uefi, true).unwrap();
    let reset = BootOrder(vec![OLD, PXE, OURS]);
    machine.vars.write(BOOT_ORDER, &reset.to_bytes()).unwrap();
    assert!(prove(&machine.vars, &uefi, true).is_err());
}

#[test]
fn turned_back_nothing_of_ours_is_left() {
    let uefi = boot(NEW);
    let machine = Machine::new(&uefi);
    arm(&machine.vars, &uefi).unwrap();
    machine.boots();
    follow(&machine.vars, &uefi).unwrap();
    for _ in 0..2 {
        turn_to_old(&machine.vars, &uefi).unwrap();
        assert_eq!(machine.order(), uefi.order);
    }
    assert_eq!(machine.boots(), Some(OLD));
    let names = machine.vars.names().unwrap();
    assert!(!names.contains(&OURS.to_string()), "{names:?}");
}

#[test]
fn confirmed_it_boots_the_new_systems_entry_with_ours_behind() {
    for new_entry in [NEW, OLD] {
        let uefi = boot(new_entry);
        let machine = Machine::new(&uefi);
        arm(&machine.vars, &uefi).unwrap();
        machine.boots();
        follow(&machine.vars, &uefi).unwrap();
        machine.boots();
        assert!(!leads_to_new(&machine.vars, &uefi));
        machine.vars.remove(&new_entry.to_string()).unwrap();
        turn_to_new(&machine.vars, &uefi).unwrap();
        assert!(leads_to_new(&machine.vars, &uefi));
        assert!(!is_booted_by_own(&machine.vars, &uefi));
        assert_eq!(machine.order().0[..2], [new_entry, OURS]);
        assert_eq!(machine.boots(), Some(new_entry));
        assert!(is_booted_by_own(&machine.vars, &uefi));
    }
}
