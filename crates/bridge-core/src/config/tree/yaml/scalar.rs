//! What a word without quotes means in YAML 1.2 (core schema), and which words we refuse since
//! others read them differently.

use super::super::Value;
use super::super::number::{TOO_LARGE, TOO_LARGE_HELP, fractional, whole};

/// What is wrong, and what to do.
pub(super) type Refused = (&'static str, &'static str);

const IN_QUOTES: &str = "if a text is meant, put it in quotes";

/// The value of a plain scalar. `yes`, `no`, `on`, `off`, dates, times and numbers with `_` are
/// strings.
pub(super) fn resolve(text: &str) -> Result<Value, Refused> {
    match text {
        "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(("infinity and NaN are no numbers here", IN_QUOTES));
    }
    if is_radix(text, "0x", |c| c.is_ascii_hexdigit()) || is_radix(text, "0o", is_octal) {
        let problem = "hexadecimal and octal numbers are not supported";
        return Err((
            problem,
            "write it in decimal; if a text is meant, put it in quotes",
        ));
    }
    let number = match kind(unsigned) {
        Kind::Text => return Ok(Value::String(text.into())),
        _ if unsigned.len() > 1
            && unsigned.starts_with('0')
            && starts_with_digit(&unsigned[1..]) =>
        {
            let problem = "a number can't begin with 0: it might be octal";
            return Err((
                problem,
                "remove the 0; if a text is meant, put it in quotes",
            ));
        }
        Kind::Whole => whole(text, 10),
        Kind::Fractional => fractional(text),
    };
    number.map(Value::Number).ok_or((TOO_LARGE, TOO_LARGE_HELP))
}

enum Kind {
    Text,
    Whole,
    Fractional,
}

/// `[0-9]+`, or `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn kind(unsigned: &str) -> Kind {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !are_digits(digits) {
            return Kind::Text;
        }
    }
    match mantissa.split_once('.') {
        None if mantissa.is_empty() || !are_digits(mantissa) => Kind::Text,
        None if exponent.is_none() => Kind::Whole,
        None => Kind::Fractional,
        Some(("", "")) => Kind::Text,
        Some((before, after)) if are_digits(before) && are_digits(after) => Kind::Fractional,
        Some(_) => Kind::Text,
    }
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_radix(text: &str, prefix: &str, is_digit: fn(char) -> bool) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(is_digit))
}

fn is_octal(c: char) -> bool {
    matches!(c, '0'..='7')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_yaml_1_2_says_or_are_refused() {
        let string = |text: &str| Ok(Value::String(text.into()));
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "NO",
            "1_000",
            "2024-01-01",
            "12:30:45",
            "1.2.3",
            "0x",
            "0o8",
            "0xg",
            ".",
            "..",
            "-",
            "+",
            "e5",
            "1e",
            "1e+",
            "-.",
            "nil",
            "None",
            "tRUE",
            "inf",
            "nan",
            "1 2",
            "dingx",
            "5s",
            "-0x1f",
            "0b1",
        ] {
            assert_eq!(resolve(text), string(text), "{text}");
        }
        let numbers = [("0", 0), ("-0", 0), ("8082", 8082), ("+5", 5), ("-7", -7)];
        for (text, number) in numbers {
            assert_eq!(resolve(text), Ok(Value::Number(number.into())), "{text}");
        }
        for (text, number) in [
            ("1.5", 1.5),
            (".5", 0.5),
            ("1.", 1.0),
            ("-1e3", -1000.0),
            ("0.0", 0.0),
        ] {
            let number = serde_json::Number::from_f64(number).unwrap();
            assert_eq!(resolve(text), Ok(Value::Number(number)), "{text}");
        }
        for text in [
            "007",
            "-01",
            "00.5",
            "0x1F",
            "0o17",
            ".inf",
            "-.INF",
            ".nan",
            "9223372036854775808",
            "1e999",
        ] {
            assert!(resolve(text).is_err(), "{text}");
        }
        for (text, value) in [
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("True", Value::Bool(true)),
        ] {
            assert_eq!(resolve(text), Ok(value), "{text}");
        }
    }
}
