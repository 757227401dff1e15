//! The contract suite passes a sound driver, and catches each of many faults by the check that is
//! meant for it.

mod fault;
mod pigeon;
mod subject;

use std::collections::BTreeSet;

use bridge_testkit::driver_contract::{self, Table, Verdict};

use fault::Fault;
use subject::PigeonSubject;

fn run(fault: Option<Fault>) -> Table {
    fault::with(fault, || driver_contract::run(PigeonSubject))
}

#[test]
fn a_sound_driver_passes() {
    let table = run(None);
    assert!(!table.has_failures(), "{table}");
    let not_claimed = table
        .rows()
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::NotClaimed(_)));
    assert_eq!(
        not_claimed.map(|row| row.name).collect::<Vec<_>>(),
        [""; 0],
        "{table}"
    );
}

#[test]
fn every_fault_is_caught_by_its_check() {
    // A fault is present on its own thread only.
    std::thread::scope(|scope| {
        for faults in Fault::ALL.chunks(Fault::ALL.len().div_ceil(4)) {
            scope.spawn(|| faults.iter().for_each(caught));
        }
    });
}

fn caught(fault: &Fault) {
    let (table, check) = (run(Some(*fault)), fault.check());
    let is_caught = table.failures().any(|row| row.name == check);
    assert!(is_caught, "{fault:?} is not caught by {check}: {table}");
}

#[test]
fn every_sentence_of_the_contract_has_a_check() {
    let table = run(None);
    let held: BTreeSet<_> = table.rows().iter().map(|row| row.clause.id).collect();
    for clause in driver_contract::clauses() {
        assert!(held.contains(clause.id), "no check holds {clause}");
    }
}

#[test]
fn a_failure_quotes_the_sentence_it_holds() {
    let text = run(Some(Fault::ParsesBeforeVerifying)).to_string();
    let sentence = "V4: Compares raw bytes, in constant time, and parses nothing of the body.";
    assert!(text.contains(sentence), "{text}");
    assert!(text.contains("FAILED       V4"), "{text}");
}
