//! A GGUF file as candle computes with it fast: tensors of some types widened to 32-bit floats.
//!
//! candle 0.11 multiplies Q4_1, Q5_0, Q5_1 and Q8_1 one value at a time on every processor: a model of
//! 135M parameters in Q4_1 answers more than three times as fast when widened to F32, with the same
//! weights at six times the memory. candle's models load only from a stream, so the widened tensors
//! are given places behind the end of the file and made when one is read there.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo};

/// A file with widened tensors behind its end.
pub(super) struct Widened<R> {
    file: R,
    /// Where the tensors of the file begin.
    data: u64,
    tensors: Vec<Tensor>,
    end: u64,
    /// The widened tensor that is being read.
    open: Option<Cursor<Vec<u8>>>,
}

/// A tensor of the file and the place of its widened form.
struct Tensor {
    place: u64,
    original: TensorInfo,
}

impl<R: Read + Seek> Widened<R> {
    /// Gives each tensor of a slow type a place behind the end of `file` and makes `content` name it.
    pub(super) fn new(mut file: R, content: &mut Content) -> io::Result<Self> {
        let data = content.tensor_data_offset;
        let mut end = file.seek(SeekFrom::End(0))?.max(data);
        let mut tensors = Vec::new();
        for info in content.tensor_infos.values_mut() {
            if is_slow(info.ggml_dtype) {
                let bytes = (info.shape.elem_count() as u64).saturating_mul(4);
                let (shape, offset) = (info.shape.clone(), end.saturating_sub(data));
                let widened = TensorInfo { ggml_dtype: GgmlDType::F32, shape, offset };
                tensors.push(Tensor { place: end, original: std::mem::replace(info, widened) });
                end = end.saturating_add(bytes);
            }
        }
        Ok(Widened { file, data, tensors, end, open: None })
    }

    /// Whether any tensor is widened.
    pub(super) fn any(&self) -> bool {
        !self.tensors.is_empty()
    }
}

/// Whether candle has no vector code for a type.
fn is_slow(kind: GgmlDType) -> bool {
    matches!(kind, GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1 | GgmlDType::Q8_1)
}

impl<R: Read + Seek> Seek for Widened<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.open = None;
        let place = match to {
            SeekFrom::Start(place) => place,
            SeekFrom::End(0) => return Ok(self.end),
            SeekFrom::End(_) | SeekFrom::Current(_) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        let Some(tensor) = self.tensors.iter().find(|tensor| tensor.place == place) else {
            return self.file.seek(to);
        };
        let device = Device::Cpu;
        let values: Vec<f32> = tensor
            .original
            .read(&mut self.file, self.data, &device)
            .and_then(|tensor| tensor.dequantize(&device)?.flatten_all()?.to_vec1())
            .map_err(io::Error::other)?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.open = Some(Cursor::new(bytes));
        Ok(place)
    }
}

impl<R: Read> Read for Widened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.open {
            Some(tensor) => tensor.read(buffer),
            None => self.file.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::quantized::{QTensor, gguf_file};

    use super::*;

    #[test]
    fn tensors_keep_their_values() {
        let values: Vec<f32> = (0..64).map(|i| (i as f32).sin()).collect();
        let tensor = candle_core::Tensor::from_vec(values, (2, 32), &Device::Cpu).unwrap();
        let kinds = [GgmlDType::Q4_1, GgmlDType::Q8_0, GgmlDType::Q5_0, GgmlDType::F32];
        let tensors: BTreeMap<String, QTensor> = kinds
            .iter()
            .map(|kind| (format!("{kind:?}"), QTensor::quantize(&tensor, *kind).unwrap()))
            .collect();
        let named: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &[], &named).unwrap();
        let mut content = Content::read(&mut Cursor::new(file.get_ref())).unwrap();
        let mut widened = Widened::new(file, &mut content).unwrap();
        assert!(widened.any());
        for (name, original) in &tensors {
            let read = content.tensor(&mut widened, name, &Device::Cpu).unwrap();
            let kept = ["Q8_0", "F32"].contains(&name.as_str());
            assert_eq!(read.dtype(), if kept { original.dtype() } else { GgmlDType::F32 });
            let values = |tensor: &QTensor| {
                tensor.dequantize(&Device::Cpu).unwrap().to_vec2::<f32>().unwrap()
            };
            assert_eq!(values(&read), values(original), "{name}");
        }
    }
}
