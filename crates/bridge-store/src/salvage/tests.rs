use std::path::Path;

use super::*;

const TABLES: &str = "
CREATE TABLE thing (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, size INTEGER) STRICT;
CREATE INDEX thing_name ON thing (name);
CREATE TABLE part (thing INTEGER NOT NULL, part INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (thing, part)) STRICT, WITHOUT ROWID;
";

const THINGS: i64 = 400;

fn database(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection
}

/// A database with [`THINGS`] rows of about 200 bytes in each table.
fn filled(path: &Path) {
    let connection = database(path);
    for number in 1..=THINGS {
        let name = format!("{number:0200}");
        let thing = "INSERT INTO thing (name, size) VALUES (?1, ?2)";
        connection.execute(thing, (&name, number)).unwrap();
        let part = "INSERT INTO part VALUES (?1, 0, ?2)";
        connection.execute(part, (number, &name)).unwrap();
    }
    connection
        .execute("DELETE FROM thing WHERE id = ?1", [THINGS])
        .unwrap();
}

/// The pages of a table's leaves.
fn leaves(path: &Path, table: &str) -> Vec<usize> {
    let connection = Connection::open(path).unwrap();
    let root: u32 = connection
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
            [table],
            |row| row.get(0),
        )
        .unwrap();
    let bytes = std::fs::read(path).unwrap();
    let mut leaves = Vec::new();
    descend(&bytes, root, &mut leaves);
    leaves
}

/// Adds the leaves below a page, less the last one of each interior page.
fn descend(bytes: &[u8], number: u32, leaves: &mut Vec<usize>) {
    let number = usize::try_from(number).unwrap();
    let page = &bytes[(number - 1) * 4096..number * 4096];
    if page[0] != 5 && page[0] != 2 {
        leaves.push(number);
        return;
    }
    let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
    for cell in 0..cells {
        let pointer = [page[12 + cell * 2], page[13 + cell * 2]];
        let at = usize::from(u16::from_be_bytes(pointer));
        let child: [u8; 4] = page[at..at + 4].try_into().unwrap();
        descend(bytes, u32::from_be_bytes(child), leaves);
    }
}

fn damage(path: &Path, page: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    // No page has this type.
    bytes[(page - 1) * 4096] = 0x77;
    std::fs::write(path, bytes).unwrap();
}

fn salvaged(dir: &Path) -> (Salvaged, Connection) {
    let damaged = Connection::open(dir.join("a")).unwrap();
    let mut fresh = database(&dir.join("b"));
    let salvaged = salvage(&damaged, &mut fresh).unwrap();
    (salvaged, fresh)
}

fn count(connection: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_whole_database_is_copied_whole() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir.path().join("a"));
    let (salvaged, mut fresh) = salvaged(dir.path());
    assert_eq!(salvaged.gaps, []);
    assert_eq!(i64::try_from(salvaged.rows), Ok(2 * THINGS - 1));
    // A number that was given is not given again.
    let insert = fresh.transaction().unwrap();
    insert
        .execute("INSERT INTO thing (name) VALUES ('next')", [])
        .unwrap();
    assert_eq!(insert.last_insert_rowid(), THINGS + 1);
}

#[test]
fn a_damaged_page_costs_its_own_rows_only() {
    for at in [0, 7, 15] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        filled(&path);
        let page = leaves(&path, "thing")[at];
        damage(&path, page);
        let (salvaged, fresh) = salvaged(dir.path());
        let [gap] = &salvaged.gaps[..] else {
            panic!("one gap: {salvaged:?}");
        };
        let (before, behind) = gap.between.expect("the numbers around it are known");
        let lost = behind - before - 1;
        assert!((1..=25).contains(&lost), "page {page} costs {lost} rows");
        assert_eq!(count(&fresh, "thing"), THINGS - 1 - lost);
        assert_eq!(count(&fresh, "part"), THINGS);
        assert_eq!(gap.to_string(), format!("thing {before}..{behind}"));
    }
}

#[test]
fn a_damaged_page_of_a_table_without_numbers_is_passed_from_both_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    filled(&path);
    damage(&path, leaves(&path, "part")[7]);
    let (salvaged, fresh) = salvaged(dir.path());
    assert_eq!(salvaged.gaps.len(), 1);
    assert!(count(&fresh, "part") > THINGS - 30);
    assert_eq!(count(&fresh, "thing"), THINGS - 1);
}

#[test]
fn damaged_indexes_cost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    filled(&path);
    for page in leaves(&path, "thing_name") {
        damage(&path, page);
    }
    let (salvaged, fresh) = salvaged(dir.path());
    assert_eq!(salvaged.gaps, []);
    assert_eq!(count(&fresh, "thing"), THINGS - 1);
}
