use proptest::prelude::*;

use super::*;

fn verdict(head: &str) -> Result<Framing, &'static str> {
    match scan(head.as_bytes(), 0)? {
        Progress::Partial => Err("no end"),
        Progress::Complete(end) => check(&head.as_bytes()[..end]),
    }
}

#[test]
fn heads_and_how_their_bodies_end() {
    let rows = [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", Ok(Framing::Length(0))),
        ("GET / HTTP/1.0\r\n\r\n", Ok(Framing::Length(0))),
        ("GET / HTTP/1.1\r\nHOST:\r\n\r\n", Ok(Framing::Length(0))),
        (
            "POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length:\t5 \r\n\r\nhello",
            Ok(Framing::Length(5)),
        ),
        (
            "POST /a HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
            Ok(Framing::Chunked),
        ),
        (
            "\r\nGET / HTTP/1.1\r\n",
            Err("an empty line before the request"),
        ),
        ("GET / HTTP/1.1\r\nhost: a\n\r\n", Err("a bare LF")),
        ("GET / HTTP/1.1\r\nhost: a\r\r\n", Err("a bare CR")),
        ("GET /\0", Err("a control character")),
        ("GET / HTTP/1.1\r\n\r\n", Err("no host")),
        ("GET / HTTP/1.1\r\nhost: a", Err("no end")),
    ];
    for (head, expected) in rows {
        assert_eq!(verdict(head), expected, "{head:?}");
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_arrive(
        text in "(GET|P T) ?/[a ]? HTTP/1.1(\r\n|\n|\r)(host: a(\r\n|\r\r\n))?x: [\t\0y]?\r\n(\r\n)?z",
        cuts in proptest::collection::vec(0_usize..60, 0..8),
    ) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut seen = 0;
        let mut found = Ok(Progress::Partial);
        for cut in cuts {
            found = scan(&bytes[..cut], seen);
            if found != Ok(Progress::Partial) {
                break;
            }
            seen = cut;
        }
        prop_assert_eq!(found, scan(bytes, 0));
    }

    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Progress::Complete(end)) = scan(&bytes, 0) {
            prop_assert!(bytes[..end].ends_with(b"\r\n\r\n"));
        }
        prop_assert_ne!(check(&bytes), Ok(Framing::Chunked), "it needs a whole head for that");
    }
}
