//! The values of the kernels' `override` constants: where their buffers lie, and their geometry.

use crate::reduction::Job;
use nn::plan::Buffer;
use tensor::pool::Pool2d;

/// Values of `override` constants.
pub(crate) type Constants = Vec<(&'static str, f64)>;

pub(crate) fn dense_constants(job: &Job, bias: usize, output: Buffer) -> Constants {
    vec![
        ("INPUT", f64::from(job.input)),
        ("INPUTS", f64::from(job.channels)),
        ("OUTPUT", output.offset as f64),
        ("UNITS", f64::from(job.maps)),
        ("FORWARD", f64::from(job.forward)),
        ("BACKWARD", f64::from(job.backward)),
        ("BIAS", bias as f64),
    ]
}

pub(crate) fn conv_constants(job: &Job, padding: usize, bias: usize, output: Buffer) -> Constants {
    vec![
        ("INPUT", f64::from(job.input)),
        ("CHANNELS", f64::from(job.channels)),
        ("HEIGHT", f64::from(job.height)),
        ("WIDTH", f64::from(job.width)),
        ("PADDING", padding as f64),
        ("KERNEL_ROWS", f64::from(job.kernel_rows)),
        ("KERNEL_COLUMNS", f64::from(job.kernel_columns)),
        ("STRIDE", f64::from(job.stride)),
        ("MAPS", f64::from(job.maps)),
        ("OUT_HEIGHT", f64::from(job.out_height)),
        ("OUT_WIDTH", f64::from(job.out_width)),
        ("UNFINISHED", f64::from(job.output)),
        ("OUTPUT", output.offset as f64),
        ("FORWARD", f64::from(job.forward)),
        ("BACKWARD", f64::from(job.backward)),
        ("BIAS", bias as f64),
    ]
}

pub(crate) fn pool_constants(g: &Pool2d, input: Buffer, output: Buffer) -> Constants {
    vec![
        ("INPUT", input.offset as f64),
        ("CHANNELS", input.shape.channels as f64),
        ("HEIGHT", input.shape.height as f64),
        ("WIDTH", input.shape.width as f64),
        ("OUTPUT", output.offset as f64),
        ("OUT_HEIGHT", output.shape.height as f64),
        ("OUT_WIDTH", output.shape.width as f64),
        ("KERNEL", g.kernel_size as f64),
        ("STRIDE", g.stride as f64),
    ]
}

pub(crate) fn elementwise_constants(input: Buffer, output: Buffer) -> Constants {
    vec![
        ("INPUT", input.offset as f64),
        ("OUTPUT", output.offset as f64),
        ("VALUES", output.shape.len() as f64),
    ]
}

pub(crate) fn pad_constants(input: Buffer, output: Buffer, padding: usize) -> Constants {
    let mut constants = elementwise_constants(input, output);
    constants.retain(|(name, _)| *name != "VALUES");
    constants.extend([
        ("VALUES", input.shape.len() as f64),
        ("HEIGHT", input.shape.height as f64),
        ("WIDTH", input.shape.width as f64),
        ("PADDING", padding as f64),
    ]);
    constants
}
