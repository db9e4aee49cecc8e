//! The last lines of an engine's standard error, made harmless.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Lines kept.
const LINES: usize = 20;
/// Characters kept of a line.
const WIDTH: usize = 300;

/// The last lines of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct LogTail(Arc<Mutex<VecDeque<String>>>);

impl LogTail {
    /// The lines so far, the oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Reads a stream to its end, however much comes.
    pub(super) async fn follow(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = [0; 4096];
        let mut line = Vec::new();
        while let Ok(n @ 1..) = stream.read(&mut buffer).await {
            for &byte in buffer.iter().take(n) {
                match byte {
                    b'\n' => self.keep(&std::mem::take(&mut line)),
                    // A character has at most four bytes.
                    _ if line.len() < WIDTH * 4 => line.push(byte),
                    _ => {}
                }
            }
        }
        self.keep(&line);
    }

    fn keep(&self, line: &[u8]) {
        let line = harmless(&String::from_utf8_lossy(line));
        if line.is_empty() {
            return;
        }
        tracing::debug!(target: "engine", "{line}");
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// A line without escape sequences and control characters, and not too long.
fn harmless(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.trim_end().chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.peek() == Some(&'[') {
            // ECMA-48, 5.4: a control sequence ends with a byte from 0x40 to 0x7E.
            rest.next();
            let _ = rest.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
        } else if !c.is_control() {
            out.push(c);
        } else if c == '\t' {
            out.push(' ');
        }
    }
    match out.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", out.get(..at).unwrap_or_default()),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_go() {
        assert_eq!(harmless("\u{1b}[31mred\u{1b}[0m\ta\u{7}\r"), "red a");
        assert_eq!(harmless(&"é".repeat(400)).chars().count(), WIDTH + 1);
    }

    #[tokio::test]
    async fn the_last_lines_stay() {
        let tail = LogTail::default();
        let text: String = (0..100).map(|i| format!("line {i}\n\n")).collect();
        tail.clone().follow(format!("{text}GGML_ASSERT(x) failed").as_bytes()).await;
        let lines = tail.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.last().unwrap(), "GGML_ASSERT(x) failed");
        assert_eq!(lines[0], "line 81");
    }

    #[tokio::test]
    async fn a_line_without_end_is_bounded() {
        let tail = LogTail::default();
        tail.clone().follow(vec![b'x'; 1 << 20].as_slice()).await;
        assert_eq!(tail.lines()[0].chars().count(), WIDTH + 1);
    }
}
