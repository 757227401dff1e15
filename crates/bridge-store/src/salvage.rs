//! Saves what can be read of a database whose pages are damaged into a fresh one.
//!
//! SQLite reads a table from either end until it meets a page that makes no sense, and finds single
//! rows beyond it by their number. So what is lost is what stood on the damaged pages, and the gap
//! is known by the numbers around it.

use std::collections::HashMap;
use std::fmt;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

/// Numbers that are tried one by one, and then in growing steps, to find the next readable row
/// behind a damaged page.
const PROBES: i64 = 4096;

/// What was saved.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// Rows that were read.
    pub(crate) rows: u64,
    /// Where rows could not be read.
    pub(crate) gaps: Vec<Gap>,
}

/// A place in a table that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    table: String,
    /// The last row number read before it, and the first one behind it.
    between: Option<(i64, i64)>,
}

/// `delivery 17..23`, or `sent_part` where rows have no numbers.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table)?;
        match self.between {
            Some((before, behind)) => write!(f, " {before}..{behind}"),
            None => Ok(()),
        }
    }
}

/// Whether the error says that the file is damaged, not that the disk fails now.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Copies every row of `damaged` that can be read into the tables of `fresh`, which has the same
/// tables, in one transaction.
///
/// # Errors
///
/// If `fresh` can't be written, or `damaged` can't be read for another reason than damage.
pub(crate) fn salvage(damaged: &Connection, fresh: &mut Connection) -> rusqlite::Result<Salvaged> {
    let mut salvaged = Salvaged::default();
    let transaction = fresh.transaction()?;
    let sequences = keep_sequences(damaged, &transaction)?;
    for table in tables(&transaction)? {
        let last_given = sequences.get(&table.name).copied();
        let copy = Copy::new(&table, damaged, &transaction, last_given)?;
        match copy.table.has_numbers {
            true => copy.numbered(&mut salvaged)?,
            false => copy.by_key(&mut salvaged)?,
        }
    }
    transaction.commit()?;
    Ok(salvaged)
}

#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<String>,
    /// Those of the primary key.
    key: Vec<String>,
    has_numbers: bool,
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut list = connection.prepare(
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = list.query_map([], |row| Ok((row.get(0)?, row.get::<_, bool>(1)?)))?;
    let names: Vec<(String, bool)> = names.collect::<rusqlite::Result<_>>()?;
    let mut tables = Vec::new();
    for (name, without_rowid) in names {
        let mut info =
            connection.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns = info.query_map([&name], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        let columns: Vec<(String, i64)> = columns.collect::<rusqlite::Result<_>>()?;
        let mut key: Vec<_> = columns.iter().filter(|(_, pk)| *pk > 0).collect();
        key.sort_by_key(|(_, pk)| *pk);
        tables.push(Table {
            key: key.into_iter().map(|(name, _)| name.clone()).collect(),
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            has_numbers: !without_rowid,
            name,
        });
    }
    Ok(tables)
}

/// One table on its way.
struct Copy<'a> {
    table: &'a Table,
    damaged: &'a Connection,
    fresh: &'a Connection,
    select: String,
    insert: String,
    /// The highest number that was ever given, where that is known: a higher one is damaged.
    last_given: Option<i64>,
}

impl<'a> Copy<'a> {
    fn new(
        table: &'a Table,
        damaged: &'a Connection,
        fresh: &'a Connection,
        last_given: Option<i64>,
    ) -> rusqlite::Result<Self> {
        let columns = table.columns.join(", ");
        let number = if table.has_numbers { "rowid, " } else { "" };
        let holes: Vec<_> = (1..=table.columns.len() + usize::from(table.has_numbers))
            .map(|hole| format!("?{hole}"))
            .collect();
        Ok(Self {
            table,
            damaged,
            fresh,
            last_given,
            select: format!("SELECT {number}{columns} FROM {} NOT INDEXED", table.name),
            insert: format!(
                "INSERT OR IGNORE INTO {} ({number}{columns}) VALUES ({})",
                table.name,
                holes.join(", ")
            ),
        })
    }

    /// Reads by number, and looks for the next readable row behind each damaged page.
    fn numbered(&self, salvaged: &mut Salvaged) -> rusqlite::Result<()> {
        let mut from = i64::MIN;
        let mut last = 0;
        loop {
            let clause = format!("WHERE rowid >= {from} ORDER BY rowid");
            let Stopped::Damaged = self.rows(&clause, &mut last, salvaged)? else {
                return Ok(());
            };
            let behind = self.next_readable(last.max(from))?;
            salvaged.gaps.push(Gap {
                table: self.table.name.clone(),
                between: behind.map(|behind| (last, behind)),
            });
            match behind {
                Some(behind) => from = behind,
                None => return Ok(()),
            }
        }
    }

    /// Reads from both ends; rows between two damaged pages can't be reached.
    fn by_key(&self, salvaged: &mut Salvaged) -> rusqlite::Result<()> {
        let key = self.table.key.join(", ");
        let mut unused = 0;
        let forward = self.rows(&format!("ORDER BY {key}"), &mut unused, salvaged)?;
        if let Stopped::Damaged = forward {
            let key = self.table.key.join(" DESC, ");
            self.rows(&format!("ORDER BY {key} DESC"), &mut unused, salvaged)?;
            let (table, between) = (self.table.name.clone(), None);
            salvaged.gaps.push(Gap { table, between });
        }
        Ok(())
    }

    /// Copies until the end or a damaged page; `last` is the number of the last row copied.
    fn rows(
        &self,
        clause: &str,
        last: &mut i64,
        salvaged: &mut Salvaged,
    ) -> rusqlite::Result<Stopped> {
        let mut read = || -> rusqlite::Result<()> {
            let mut select = self.damaged.prepare(&format!("{} {clause}", self.select))?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if self.table.has_numbers {
                    *last = row.get(0)?;
                }
                salvaged.rows += u64::from(self.write(row)?);
            }
            Ok(())
        };
        stopped(read())
    }

    /// Whether it was written; a value of the wrong type, or one that is there twice, is not.
    fn write(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let count = self.table.columns.len() + usize::from(self.table.has_numbers);
        let mut values: Vec<Value> = (0..count)
            .map(|at| row.get(at))
            .collect::<rusqlite::Result<_>>()?;
        if let (Some(last), Some(Value::Integer(number))) = (self.last_given, values.first())
            && *number > last
        {
            // The row is whole and its number is not: it gets a new one. The number is there twice,
            // as the row's and as its key.
            let damaged = Value::Integer(*number);
            for value in values.iter_mut().filter(|value| **value == damaged).take(2) {
                *value = Value::Null;
            }
        }
        let mut insert = self.fresh.prepare_cached(&self.insert)?;
        match insert.execute(params_from_iter(values)) {
            Ok(written) => Ok(written > 0),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The number of the next row behind `last` that can be read.
    fn next_readable(&self, last: i64) -> rusqlite::Result<Option<i64>> {
        let Some(end) = self.last_number()? else {
            return Ok(None);
        };
        let mut step = 1;
        let mut probe = last.saturating_add(1).max(1);
        while probe <= end {
            let clause = format!("WHERE rowid = {probe}");
            let found = self.damaged.prepare(&format!("{} {clause}", self.select));
            let found = found.and_then(|mut select| select.exists([]));
            match found {
                Ok(true) => return Ok(Some(probe)),
                Ok(false) => {}
                Err(error) if is_damage(&error) => {}
                Err(error) => return Err(error),
            }
            probe += step;
            if probe - last > PROBES {
                step *= 2;
            }
        }
        Ok(None)
    }

    /// The highest number, read from the end; `None` if that can't be read either.
    fn last_number(&self) -> rusqlite::Result<Option<i64>> {
        let sql = format!("SELECT max(rowid) FROM {}", self.table.name);
        match self.damaged.query_row(&sql, [], |row| row.get(0)) {
            Ok(number) => Ok(number),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Why reading stopped.
enum Stopped {
    AtTheEnd,
    Damaged,
}

fn stopped(result: rusqlite::Result<()>) -> rusqlite::Result<Stopped> {
    match result {
        Ok(()) => Ok(Stopped::AtTheEnd),
        Err(error) if is_damage(&error) => Ok(Stopped::Damaged),
        // A row of the wrong shape is damage as well.
        Err(
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::IntegralValueOutOfRange(..),
        ) => Ok(Stopped::Damaged),
        Err(error) => Err(error),
    }
}

/// Numbers that were given are never given again, even if their rows are lost; the last ones given,
/// by table.
fn keep_sequences(
    damaged: &Connection,
    fresh: &Connection,
) -> rusqlite::Result<HashMap<String, i64>> {
    let read = || -> rusqlite::Result<HashMap<String, i64>> {
        let mut select = damaged.prepare("SELECT name, seq FROM sqlite_sequence")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    let sequences = match stopped(read().map(drop))? {
        Stopped::AtTheEnd => read()?,
        Stopped::Damaged => HashMap::new(),
    };
    for (name, number) in &sequences {
        fresh.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
            (name, number),
        )?;
    }
    Ok(sequences)
}

#[cfg(test)]
mod tests;
