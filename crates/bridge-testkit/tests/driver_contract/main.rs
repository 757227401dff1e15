//! The contract suite passes sound drivers, and catches each of many faults by the check that is
//! meant for it.

mod crier;
mod fault;
mod pigeon;
mod subject;
mod telegraph;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridge_testkit::driver_contract::{self, Subject, Table, Verdict};

use crier::subject::CrierSubject;
use fault::Fault;
use subject::PigeonSubject;
use telegraph::subject::TelegraphSubject;

/// The tables of sound drivers of all kinds.
fn sound() -> [Table; 3] {
    [
        driver_contract::run(CrierSubject::<false>),
        driver_contract::run(PigeonSubject),
        driver_contract::run(TelegraphSubject),
    ]
}

#[test]
fn sound_drivers_pass_and_no_check_is_left_out_by_all() {
    let tables = sound();
    for table in &tables {
        assert!(!table.has_failures(), "{table}");
    }
    for (place, row) in tables[0].rows().iter().enumerate() {
        let passes = |table: &Table| table.rows()[place].verdict == Verdict::Passed;
        assert!(tables.iter().any(passes), "nobody passes {}", row.name);
    }
}

#[test]
fn every_fault_of_the_pigeon_is_caught_by_its_check() {
    all_are_caught(Fault::PIGEON, || PigeonSubject);
}

#[test]
fn every_fault_of_the_telegraph_is_caught_by_its_check() {
    all_are_caught(Fault::TELEGRAPH, || TelegraphSubject);
}

#[test]
fn every_fault_of_the_crier_is_caught_by_its_check() {
    all_are_caught(Fault::CRIER, || CrierSubject::<false>);
}

fn all_are_caught<S: Subject>(faults: &[Fault], subject: impl Fn() -> S + Sync) {
    // A fault is present on its own thread only.
    std::thread::scope(|scope| {
        for faults in faults.chunks(faults.len().div_ceil(4)) {
            scope.spawn(|| faults.iter().for_each(|fault| caught(*fault, &subject)));
        }
    });
}

fn caught<S: Subject>(fault: Fault, subject: &impl Fn() -> S) {
    let check = fault.check();
    let table = fault::with(Some(fault), || driver_contract::run_check(subject(), check));
    let is_caught = table.failures().any(|row| row.name == check);
    assert!(is_caught, "{fault:?} is not caught by {check}: {table}");
}

#[test]
fn every_check_is_held_by_a_fault() {
    // What a driver is called is a constant, which no fault can change: see the test below.
    const WITHOUT: [&str; 1] = ["names_are_plain"];
    let faults = [Fault::PIGEON, Fault::TELEGRAPH, Fault::CRIER].concat();
    let held: BTreeSet<_> = faults.into_iter().map(Fault::check).collect();
    let table = driver_contract::run(TelegraphSubject);
    let checks: BTreeSet<_> = table.rows().iter().map(|row| row.name).collect();
    let unheld: Vec<_> = checks.difference(&held).copied().collect();
    assert_eq!(unheld, WITHOUT);
    let unknown: Vec<_> = held.difference(&checks).collect();
    assert!(unknown.is_empty(), "no such checks: {unknown:?}");
}

#[test]
fn a_name_in_capitals_is_caught() {
    let table = driver_contract::run_check(CrierSubject::<true>, "names_are_plain");
    assert!(
        table.failures().any(|row| row.name == "names_are_plain"),
        "{table}"
    );
}

#[test]
fn every_sentence_of_the_contract_has_a_check() {
    let table = driver_contract::run(PigeonSubject);
    let held: BTreeSet<_> = table.rows().iter().map(|row| row.clause.id).collect();
    for clause in driver_contract::clauses() {
        assert!(held.contains(clause.id), "no check holds {clause}");
    }
}

#[test]
fn a_failure_names_the_body_and_what_was_changed_in_it() {
    let table = fault::with(Some(Fault::EmptyMessages), || {
        driver_contract::run_check(PigeonSubject, "every_field_may_be_of_another_type")
    });
    let text = table.to_string();
    assert!(
        text.contains("two with true at `messages.1.text`: a message has neither text"),
        "{text}"
    );
}

#[test]
fn a_failure_shows_the_table_and_no_stack() {
    static HOOKED: AtomicUsize = AtomicUsize::new(0);
    let (here, usual) = (std::thread::current().id(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        match std::thread::current().id() == here {
            true => drop(HOOKED.fetch_add(1, Ordering::Relaxed)),
            false => usual(panic),
        }
    }));
    let failed = fault::with(Some(Fault::EscapesNothing), || {
        catch_unwind(|| driver_contract::check_all(PigeonSubject))
    });
    let table = failed.expect_err("the driver has a fault");
    let table = table.downcast_ref::<String>().expect("a text");
    assert!(
        table.contains("T1: The text reaches the channel"),
        "{table}"
    );
    assert_eq!(HOOKED.load(Ordering::Relaxed), 0);
}

#[test]
fn a_failure_quotes_the_sentence_it_holds() {
    let table = fault::with(Some(Fault::ParsesBeforeVerifying), || {
        driver_contract::run_check(PigeonSubject, "the_body_is_not_parsed")
    });
    let text = table.to_string();
    let sentence = "V4: Compares raw bytes, in constant time, and parses nothing of the body.";
    assert!(text.contains(sentence), "{text}");
    assert!(text.contains("FAILED       V4"), "{text}");
}
