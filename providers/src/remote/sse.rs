//! Server-sent events: bytes in, events out, without I/O.
//!
//! Follows the HTML standard, "Parsing an event stream": lines end with CR, LF or CRLF; a byte
//! order mark at the start is dropped; a line that begins with a colon is a comment; several `data`
//! lines are joined by a line feed; a blank line ends an event; an event without data is none; what
//! stands after the last blank line is no event. `id` and `retry` mean nothing to a request that is
//! made once. Lines are decoded when they are complete, so a character that is cut between two
//! chunks stays whole.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty where the server names no event.
    pub name: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// A line or an event is larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
pub struct TooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

/// Turns the bytes of a response into events, however they are cut into chunks.
///
/// ```
/// # use rightsize_providers::remote::sse::{Event, Parser};
/// let mut parser = Parser::new(1024);
/// let mut events = Vec::new();
/// parser.push(b"data: {\"a\"", &mut events).unwrap();
/// parser.push(b":1}\r\n\r\n: ping\n", &mut events).unwrap();
/// assert_eq!(events, [Event { name: String::new(), data: "{\"a\":1}".into() }]);
/// ```
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    line: Vec<u8>,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    at_start: bool,
    name: String,
    data: String,
    has_data: bool,
    failed: bool,
}

impl Parser {
    /// A parser that refuses lines and events of more than `limit` bytes, and so never holds more
    /// than a few times that (an invalid byte becomes the three bytes of U+FFFD).
    pub fn new(limit: usize) -> Parser {
        Parser {
            limit,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            name: String::new(),
            data: String::new(),
            has_data: false,
            failed: false,
        }
    }

    /// Takes the next bytes and appends the events that they complete.
    ///
    /// # Errors
    /// [`TooLarge`], now and for all later bytes. Events before it have been appended.
    pub fn push(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLarge> {
        let too_large = TooLarge { limit: self.limit };
        if self.failed {
            return Err(too_large);
        }
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n'));
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len().saturating_add(part.len()) > self.limit {
                return Err(self.fail(too_large));
            }
            self.line.extend_from_slice(part);
            let Some((&terminator, after)) = rest.split_first() else {
                return Ok(());
            };
            self.after_cr = terminator == b'\r';
            bytes = after;
            let line = std::mem::take(&mut self.line);
            self.take_line(&line, events);
            self.line = line;
            self.line.clear();
            if self.data.len() > self.limit {
                return Err(self.fail(too_large));
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: TooLarge) -> TooLarge {
        self.failed = true;
        self.line = Vec::new();
        self.data = String::new();
        error
    }

    fn take_line(&mut self, line: &[u8], events: &mut Vec<Event>) {
        let mut line = line;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                events.push(Event { name, data });
            }
            return;
        }
        let (field, value) = match line.iter().position(|&b| b == b':') {
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(&String::from_utf8_lossy(value));
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(chunks: &[&[u8]], limit: usize) -> (Vec<Event>, Result<(), TooLarge>) {
        let mut parser = Parser::new(limit);
        let mut events = Vec::new();
        let mut end = Ok(());
        for chunk in chunks {
            end = parser.push(chunk, &mut events);
        }
        (events, end)
    }

    fn data(stream: &str) -> Vec<String> {
        all(&[stream.as_bytes()], 1 << 16).0.into_iter().map(|e| e.data).collect()
    }

    /// The examples of the HTML standard, section "Interpreting an event stream".
    #[test]
    fn examples_of_the_standard() {
        assert_eq!(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
        assert_eq!(
            data(
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
            ),
            ["first event", "second event"]
        );
        assert_eq!(data("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
        assert_eq!(data("data:test\n\ndata: test\n\n"), ["test", "test"]);
    }

    #[test]
    fn names_and_line_ends() {
        let (events, _) =
            all(&[b"\xEF\xBB\xBFevent: a\r\ndata: 1\r\n\r\ndata: 2\r\rdata: 3\n\n"], 99);
        let pairs: Vec<(&str, &str)> = events.iter().map(|e| (&*e.name, &*e.data)).collect();
        assert_eq!(pairs, [("a", "1"), ("", "2"), ("", "3")]);
    }

    #[test]
    fn too_large_is_an_error_once_and_for_all() {
        let mut parser = Parser::new(8);
        let mut events = Vec::new();
        assert_eq!(parser.push(b"data: 1\n\n", &mut events), Ok(()));
        assert_eq!(parser.push(b"data: 12345", &mut events), Err(TooLarge { limit: 8 }));
        assert_eq!(parser.push(b"\n\n", &mut events), Err(TooLarge { limit: 8 }));
        assert_eq!(events.len(), 1);
        assert!(all(&[b"data:123\ndata:456\ndata:7\n\n"], 8).1.is_err(), "an event of many lines");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_events(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just(&b"data: "[..]), Just(&b"data:"[..]), Just(&b"event: x"[..]), Just(&b": c"[..]),
                    Just(&b"\n"[..]), Just(&b"\r"[..]), Just(&b"\r\n"[..]), Just(&b"\n\n"[..]),
                    Just("päß€🦀".as_bytes()), Just(&b"\xff\xe2\x82"[..]), Just(&b"\xEF\xBB\xBF"[..]),
                    Just(&b"{\"a\":1}"[..]),
                ],
                0..40,
            ),
            cuts in prop::collection::vec(0usize..400, 0..12),
            limit in prop_oneof![Just(12usize), Just(1 << 12)],
        ) {
            let bytes = pieces.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let whole = all(&[&bytes], limit);
            prop_assert_eq!(&all(&chunks, limit).0, &whole.0);
            prop_assert_eq!(all(&single, limit), whole);
        }
    }
}
