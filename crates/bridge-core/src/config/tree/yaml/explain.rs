//! The YAML parser's faults in our words, with what to write instead.

use granit_parser::{ErrorKind as Kind, ScanError, Span};

use super::super::Fault;
use super::bytes;

const QUOTE_IT: &str = "put the whole value in quotes";
const LIKE_THE_EXAMPLES: &str = "compare it with the examples in config/ and rules/";
const INDENT: &str = "keys of one object begin in one column, and so do the `-` of one list";

/// The parser's fault at the place that can be mended.
pub(super) fn explained(text: &str, error: &ScanError) -> Fault {
    let at = bytes(text, &Span::empty(*error.marker())).start;
    let start = match error.kind() {
        // The parser has read the tab already.
        kind if is_tab(kind) => {
            let before = &text[..at];
            before.len() - (before.len() - before.trim_end_matches('\t').len()).min(1)
        }
        _ => at,
    };
    let end = text[start..]
        .chars()
        .next()
        .map_or(start, |c| start + c.len_utf8());
    let here = text[start..].chars().next();
    if *error.kind() == Kind::RecursionLimitExceeded {
        return Fault::too_deep(start..end);
    }
    let (problem, help) = sentence(error.kind(), here);
    Fault::syntax(start..end, format!("this is not YAML: {problem}"), help)
}

fn is_tab(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::TabNotAllowed
            | Kind::TabInBlockIndentation
            | Kind::TabInIndentation
            | Kind::TabAtBlockScalarStart
            | Kind::TabInPlainScalar
    )
}

/// The problem and the help for a fault, which was found before the character `here`.
fn sentence(kind: &Kind, here: Option<char>) -> (String, &'static str) {
    let (problem, help) = match kind {
        kind if is_tab(kind) => ("a tab stands where only spaces may", "indent with spaces"),
        Kind::UnclosedQuotedScalar => (
            "the quote that opens here is never closed",
            "close it with the same kind of quote",
        ),
        Kind::UnclosedFlowCollection { open } => {
            return (
                format!("the {open} here is never closed"),
                "close it, or remove it",
            );
        }
        Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping => {
            ("the file ends within a bracket", "close it with ] or }")
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return (
                format!("a {close} closes what a {open} opened"),
                "close brackets in the opposite order of their opening",
            );
        }
        Kind::MisplacedFlowCollectionEnd => (
            "a bracket is closed that was not opened",
            "remove it, or open it before",
        ),
        Kind::ExpectedFlowMappingSeparator => (
            "expected a comma or } after a value",
            "put a comma between two keys; a text with brackets in it belongs in quotes",
        ),
        Kind::ExpectedFlowSequenceSeparator => (
            "expected a comma or ] after a value",
            "put a comma between two values; a text with brackets in it belongs in quotes",
        ),
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => (
            "a colon can't stand here",
            "put a text with `: ` or brackets in it in quotes; is the indentation right, and every bracket before this closed?",
        ),
        Kind::MissingAnchorOrAliasName => match here {
            Some('&') => ("a text can't begin with & unless it is in quotes", QUOTE_IT),
            _ => (
                "a text can't begin with * unless it is in quotes",
                "write \"*\" in quotes, also for any group of an instance",
            ),
        },
        Kind::UnexpectedCharacter { character } if character.is_ascii_punctuation() => {
            return (
                format!("a value can't begin with {character} unless it is in quotes"),
                QUOTE_IT,
            );
        }
        Kind::UnexpectedCharacter { .. } => (
            "a control character stands here",
            "remove it; in double quotes it may be written as \\x07",
        ),
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => (
            "a key without its colon",
            "write `key: value`; after the colon comes a space",
        ),
        Kind::ExpectedBlockMappingKey => ("expected a key of the object that began before", INDENT),
        Kind::ExpectedBlockSequenceEntry => {
            ("expected a `-` of the list that began before", INDENT)
        }
        Kind::InvalidIndentation
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidBlockScalarIndent => ("the indentation fits nothing before it", INDENT),
        Kind::BlockSequenceEntryNotAllowed
        | Kind::BlockEntryInFlowCollection
        | Kind::InvalidBlockEntryWhitespace => (
            "a list can't begin here",
            "begin it on a line of its own, with a space after `-`, or write [a, b]",
        ),
        Kind::MappingKeyNotAllowed => ("a key can't stand here", INDENT),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "put the whole value in one pair of quotes; within single quotes write '' for one",
        ),
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => (
            "unknown escape in the double quotes that open here",
            "write \\\\ for a backslash, or use single quotes, which know no escapes",
        ),
        Kind::CommentNotSeparated | Kind::CommentInterceptedScalar => (
            "a comment can't stand here",
            "put a space before #, or the value in quotes if # belongs to it",
        ),
        Kind::DirectiveDisallowed => ("directives (%) are not supported", "remove the line"),
        Kind::ExpectedDocumentStart | Kind::InvalidDocumentEnd => (
            "something follows the end of the first value",
            "keep one object in the file; is the indentation right?",
        ),
        Kind::DocumentIndicatorInQuotedScalar => (
            "a line of --- or ... stands within quotes",
            "close the quotes before it",
        ),
        Kind::BomInsideDocument => ("a byte order mark stands here", "remove it"),
        Kind::ZeroBlockScalarIndent | Kind::InvalidBlockScalarHeader => (
            "something follows | or > on its line",
            "begin the text on the next line, or put it in quotes",
        ),
        Kind::UndeclaredTagHandle
        | Kind::ExpectedTagBang
        | Kind::InvalidTagTerminator
        | Kind::MissingTagUri
        | Kind::UnclosedVerbatimTag
        | Kind::InvalidGlobalTagCharacter => (
            "tags (!) are not supported",
            "remove it; a text that begins with ! belongs in quotes",
        ),
        Kind::PlainScalarStartsWithDashFlowIndicator => (
            "a value can't begin with - and a bracket unless it is in quotes",
            QUOTE_IT,
        ),
        _ => ("the text here can't be read", LIKE_THE_EXAMPLES),
    };
    (problem.to_owned(), help)
}
