//! A file of JSON lines that only grows, and whose last line is whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::JournalError;

/// Appends lines to one file.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
    /// Length up to the end of the last whole line.
    length: u64,
    /// Bytes of a torn last line that were cut off when the file was opened.
    pub torn: u64,
}

impl Appender {
    /// Opens or creates the file and cuts off a torn last line, which a killed process left.
    pub fn open(path: &Path) -> Result<Appender, JournalError> {
        let open = || -> std::io::Result<(File, u64, u64)> {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let full = file.seek(SeekFrom::End(0))?;
            let length = whole_lines(&mut file, full)?;
            if length < full {
                file.set_len(length)?;
            }
            file.seek(SeekFrom::Start(length))?;
            Ok((file, length, full - length))
        };
        let (file, length, torn) = open().map_err(JournalError::io(path))?;
        Ok(Appender { file, path: path.to_path_buf(), length, torn })
    }

    /// Writes one line in one `write`. If that fails, what got through is taken back.
    pub fn append<T: Serialize>(&mut self, value: &T) -> Result<(), JournalError> {
        let written =
            serde_json::to_vec(value).map_err(std::io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)?;
                Ok(line.len() as u64)
            });
        match written {
            Ok(bytes) => {
                self.length += bytes;
                Ok(())
            }
            Err(error) => {
                // Best effort: a torn line that stays is cut off when the folder is opened again.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(JournalError::io(&self.path)(error))
            }
        }
    }

    /// Synchronises the file with the disk.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(JournalError::io(&self.path))
    }
}

/// The length of the file up to and with its last newline.
fn whole_lines(file: &mut File, full: u64) -> std::io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = full;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines.jsonl");
        let long = "x".repeat(150_000);
        let whole = "{\"a\":1}\n{\"a\":2}\n".to_owned();
        for torn in ["", "{", "{\"a\":3}", long.as_str()] {
            std::fs::write(&path, whole.clone() + torn).unwrap();
            let mut appender = Appender::open(&path).unwrap();
            assert_eq!(appender.torn, torn.len() as u64);
            appender.append(&serde_json::json!({"a": 4})).unwrap();
            drop(appender);
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text, whole.clone() + "{\"a\":4}\n");
        }
    }
}
