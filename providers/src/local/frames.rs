//! Frames between the program and its engine process: a length in four bytes, little-endian, then
//! so many bytes of JSON.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::LocalModel;
use crate::{Answer, Ask, Description, ProviderError};

/// Longest frame, in bytes: far above any prompt that a context holds.
pub const MAX_FRAME: usize = 64 << 20;

/// What the program says to the engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToEngine {
    /// Load this model. The first frame, once.
    Load(LocalModel),
    /// Answer this ask.
    Ask {
        /// Comes back with the answer.
        id: u64,
        /// What is asked.
        ask: Box<Ask>,
    },
    /// Forget an ask. It still comes back, as an error.
    Cancel {
        /// The ask's id.
        id: u64,
    },
}

/// What the engine says to the program.
#[derive(Debug, Serialize, Deserialize)]
pub struct FromEngine {
    /// Peak resident memory of the engine process so far, in bytes.
    pub peak_memory_bytes: u64,
    /// What happened.
    pub event: Event,
}

/// What happened in the engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The model is loaded.
    Loaded(Box<Description>),
    /// The model cannot be loaded; the engine ends.
    NotLoaded(ProviderError),
    /// An ask is done.
    Done {
        /// Its id.
        id: u64,
        /// What came of it.
        result: Box<Result<Answer, ProviderError>>,
    },
    /// Still at work: sent between steps, so that a long answer is told from a hang.
    Progress,
}

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed.
    #[error("cannot read a frame: {0}")]
    Io(#[from] io::Error),
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Cut,
    /// The length is beyond [`MAX_FRAME`]; most likely something else wrote into the stream.
    #[error("a frame of {0} bytes was announced; at most {MAX_FRAME} are allowed")]
    TooLong(u64),
    /// The content is not what was expected.
    #[error("a frame holds no such message: {0}")]
    Content(#[from] serde_json::Error),
}

/// A message as a frame.
///
/// # Errors
/// A message that is too long.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len().saturating_sub(4);
    let prefix = u32::try_from(length).unwrap_or(u32::MAX);
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(u64::from(prefix)));
    }
    for (to, from) in frame.iter_mut().zip(prefix.to_le_bytes()) {
        *to = from;
    }
    Ok(frame)
}

/// Writes a message and flushes.
///
/// # Errors
/// A message that is too long, or whatever writing gives.
pub fn write(out: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    out.write_all(&encode(message)?)?;
    Ok(out.flush()?)
}

/// Reads the next message; `None` at the end of the stream.
///
/// # Errors
/// See [`FrameError`].
pub fn read<T: DeserializeOwned>(input: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut prefix = [0; 4];
    let mut filled = 0;
    while let Some(rest) = prefix.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Cut),
            Ok(n) => filled = filled.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut content = vec![0; length_of(prefix)?];
    input.read_exact(&mut content).map_err(cut)?;
    Ok(Some(serde_json::from_slice(&content)?))
}

/// [`read()`] for the program's side.
///
/// # Errors
/// See [`FrameError`].
pub async fn read_async<T: DeserializeOwned>(
    input: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, FrameError> {
    let mut prefix = [0; 4];
    let mut filled = 0;
    while let Some(rest) = prefix.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(FrameError::Cut),
            n => filled = filled.saturating_add(n),
        }
    }
    let mut content = vec![0; length_of(prefix)?];
    input.read_exact(&mut content).await.map_err(cut)?;
    Ok(Some(serde_json::from_slice(&content)?))
}

fn length_of(prefix: [u8; 4]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(prefix);
    match usize::try_from(length) {
        Ok(length) if length <= MAX_FRAME => Ok(length),
        _ => Err(FrameError::TooLong(u64::from(length))),
    }
}

fn cut(error: io::Error) -> FrameError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => FrameError::Cut,
        _ => FrameError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn frames_follow_each_other() {
        let mut stream = Vec::new();
        write(&mut stream, &"one").unwrap();
        write(&mut stream, &2).unwrap();
        assert_eq!(&stream[..9], b"\x05\0\0\0\"one\"");
        let mut input = stream.as_slice();
        assert_eq!(read::<String>(&mut input).unwrap().as_deref(), Some("one"));
        assert_eq!(read::<i32>(&mut input).unwrap(), Some(2));
        assert_eq!(read::<i32>(&mut input).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_said() {
        assert!(matches!(read::<Value>(&mut &b"\x05\0\0"[..]), Err(FrameError::Cut)));
        assert!(matches!(read::<Value>(&mut &b"\x05\0\0\0\"on"[..]), Err(FrameError::Cut)));
        // A library that prints to standard output: `load` read as a length.
        let printed = read::<Value>(&mut &b"load_tensors: CPU\n"[..]);
        assert!(matches!(printed, Err(FrameError::TooLong(0x6461_6f6c))), "{printed:?}");
        assert!(matches!(read::<Value>(&mut &b"\x02\0\0\0{]"[..]), Err(FrameError::Content(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read::<ToEngine>(&mut bytes.as_slice());
            let _ = read::<FromEngine>(&mut bytes.as_slice());
        }

        #[test]
        fn what_is_written_is_read(text in "\\PC{0,60}") {
            let frame = encode(&text).unwrap();
            prop_assert_eq!(read::<String>(&mut frame.as_slice()).unwrap(), Some(text.clone()));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let again = runtime.block_on(read_async::<String>(&mut frame.as_slice())).unwrap();
            prop_assert_eq!(again, Some(text));
        }
    }
}
