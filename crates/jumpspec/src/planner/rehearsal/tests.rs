use super::*;
use crate::job::LandingChoice;
use crate::node::facts::Facts;
use crate::planner::sample::{Sample, facts, job};
use crate::render;

fn sample(hangs: Hangs, change: impl FnOnce(&mut Facts)) -> Sample {
    let mut facts = facts();
    facts.watchdogs = vec!["iTCO_wdt".to_owned()];
    change(&mut facts);
    let mut sample = Sample::of(&facts, &job());
    sample.rehearsal = Some(Rehearsal::InMemory(hangs));
    sample
}

fn refused(hangs: Hangs, change: impl FnOnce(&mut Facts)) -> Vec<(RefusalCode, String)> {
    let refusals = sample(hangs, change).planned().err().unwrap_or_default();
    let told = refusals.into_iter();
    told.map(|it| (it.code, it.message)).collect()
}

fn codes(hangs: Hangs, change: impl FnOnce(&mut Facts)) -> Vec<RefusalCode> {
    let refused = refused(hangs, change).into_iter();
    refused.map(|(code, _)| code).collect()
}

#[test]
fn the_plan_as_people_see_it() {
    let sample = sample(Hangs::Watchdog, |_| ());
    let plan = sample.planned().unwrap();
    insta::assert_snapshot!(render::plan(&plan, &sample.facts).to_string());
}

#[test]
fn nothing_is_armed_borrowed_or_staged_for_a_replacement() {
    let plan = sample(Hangs::Watchdog, |_| ()).planned().unwrap();
    assert!(plan.rehearsal && plan.landing.is_volatile() && plan.landing.is_in_memory());
    assert_eq!(plan.landing.borrowed(), None);
    assert_eq!(plan.landing.swap(), None);
    assert!(!plan.landing.is_kept());
    let steps = &plan.steps;
    for step in [
        Step::Arm,
        Step::WriteSelector,
        Step::SwapOff,
        Step::MakeLanding,
    ] {
        assert!(!steps.old.contains(&step), "{step:?}");
    }
    assert_eq!(steps.old.last(), Some(&Step::LoadJump));
    assert_eq!(steps.prove.last(), Some(&Step::ProveAdmin));
    assert!(steps.replace.is_empty() && steps.new.is_empty());
    assert!(plan.destroyed.is_empty());
}

#[test]
fn the_kernel_gets_a_root_in_memory_and_a_watchdog_that_runs_on() {
    let arguments = |hangs, change: fn(&mut Facts)| {
        let plan = sample(hangs, change).planned().unwrap();
        plan.jump.arguments
    };
    let without = arguments(Hangs::Hand, |facts| facts.watchdogs.clear());
    // The old kernel may have had no driver for the one that is there.
    for arguments in [arguments(Hangs::Watchdog, |_| ()), without] {
        for wanted in [
            "rootfstype=ramfs",
            "panic=10",
            "systemd.watchdog_sec=600",
            "watchdog.stop_on_reboot=0",
        ] {
            assert!(arguments.iter().any(|it| it == wanted), "{wanted}");
        }
        assert!(!arguments.iter().any(|it| it.starts_with("root=")));
    }
}

#[test]
fn a_landing_partition_that_a_push_would_make_is_not_looked_for() {
    let mut sample = sample(Hangs::Watchdog, |facts| {
        facts.swaps.clear();
        facts.swap_use.clear();
        let partitions = &mut facts.disks[0].partitions;
        partitions.retain(|it| it.number != 2);
    });
    sample.job.landing.partition = LandingChoice::Free;
    let plan = sample.planned().unwrap();
    let before: Vec<u32> = plan.disk.before.iter().map(|it| it.number).collect();
    assert_eq!(before, [1, 3, 4]);
    assert!(!plan.landing.is_made());
}

#[test]
fn a_missing_watchdog_is_refused_unless_it_was_typed() {
    let none = |facts: &mut Facts| facts.watchdogs.clear();
    assert_eq!(codes(Hangs::Watchdog, none), [RefusalCode::WatchdogMissing]);
    assert_eq!(codes(Hangs::Hand, none), []);
}

#[test]
fn a_kernel_that_takes_no_other_is_refused_with_the_reason() {
    for (kernel, word) in [
        (Taking::Without, "CONFIG_KEXEC_FILE"),
        (Taking::Disabled, "kernel.kexec_load_disabled"),
        (Taking::NotAllowed, "this login"),
        (Taking::Unknown, "not known"),
    ] {
        let refused = refused(Hangs::Watchdog, |facts| facts.starting.kernel = kernel);
        let [(RefusalCode::KexecDisabled, message)] = refused.as_slice() else {
            panic!("{kernel:?}: {refused:?}")
        };
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn under_lockdown_an_image_without_signatures_is_refused() {
    let locked = |facts: &mut Facts| facts.starting.locked_down = true;
    assert_eq!(
        codes(Hangs::Watchdog, locked),
        [RefusalCode::KernelUnsigned]
    );
    let mut signed = sample(Hangs::Watchdog, locked);
    signed.jump.manifest.signed = Some(crate::image::loader::SignedLoaders {
        shim: "usr/lib/shim/shimx64.efi.signed".parse().unwrap(),
        grub: None,
        media_grub: None,
    });
    signed.planned().unwrap();
}

#[test]
fn another_init_than_systemd_is_refused() {
    let other = |facts: &mut Facts| facts.starting.systemd = false;
    assert_eq!(
        codes(Hangs::Watchdog, other),
        [RefusalCode::InitUnsupported]
    );
}

#[test]
fn memory_is_asked_for_both_systems() {
    let figures = |change: fn(&mut Facts)| {
        let refused = refused(Hangs::Watchdog, change);
        let [(RefusalCode::MemoryTooSmall, message)] = refused.as_slice() else {
            panic!("{refused:?}")
        };
        message.clone()
    };
    let small = figures(|facts| facts.memory = Size::mib(500));
    assert!(
        small.contains("500.0 MiB") && small.contains("1.1 GiB"),
        "{small}"
    );
    let full = figures(|facts| facts.memory_available = Some(Size::mib(300)));
    assert!(full.contains("300.0 MiB"), "{full}");
}

#[test]
fn what_stands_against_the_push_stands_against_its_rehearsal() {
    let codes = codes(Hangs::Watchdog, |facts| {
        facts.starting.systemd = false;
        facts.hostname = "no host".to_owned();
    });
    assert_eq!(
        codes,
        [RefusalCode::InitUnsupported, RefusalCode::HostnameInvalid]
    );
}

#[test]
fn hooks_are_not_run_and_that_is_told() {
    let with_hook = crate::job::Job::parse(
        "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n\
         [[hook]]\nat = 'prep'\nrun = 'drain'\n",
    );
    let mut sample = Sample::of(&facts(), &with_hook.unwrap());
    sample.rehearsal = Some(Rehearsal::InMemory(Hangs::Hand));
    let plan = sample.planned().unwrap();
    assert_eq!(plan.steps.hooks().count(), 0);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("no hook is run"))
    );
}
