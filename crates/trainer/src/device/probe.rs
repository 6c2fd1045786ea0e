//! The throughput of a device, measured in a short time on a machine that does other things as well.

/// Milliseconds of work that are measured.
const PROBE_MS: f64 = 400.0;
/// The smallest number of measurements.
const MIN_MEASUREMENTS: usize = 8;

/// Measures the throughput of a device from steps of the cores, or from submissions to a GPU.
///
/// The result is the median. In a page that has just opened, data arrives and code is compiled between two
/// steps: a step that took half a second once made two cores look slower (142 images/s) than a GPU in
/// software (299), which then trained for good.
#[derive(Debug, Default)]
pub(crate) struct ThroughputProbe {
    /// Images a second of each measurement.
    images_per_second: Vec<f32>,
    ms: f64,
}

impl ThroughputProbe {
    /// Adds a measurement: work on `images` images that took `ms` milliseconds.
    pub(crate) fn add(&mut self, images: usize, ms: f64) {
        self.images_per_second.push((1000.0 * images as f64 / ms.max(0.01)) as f32);
        self.ms += ms;
    }

    /// Median images a second; `None` before there are enough measurements.
    pub(crate) fn median(&mut self) -> Option<f32> {
        if self.ms < PROBE_MS || self.images_per_second.len() < MIN_MEASUREMENTS {
            return None;
        }
        let middle = self.images_per_second.len() / 2;
        Some(*self.images_per_second.select_nth_unstable_by(middle, f32::total_cmp).1)
    }
}

#[cfg(test)]
mod tests {
    use super::ThroughputProbe;

    #[test]
    fn one_stall_does_not_change_the_median() {
        let mut probe = ThroughputProbe::default();
        probe.add(64, 500.0);
        assert_eq!(probe.median(), None, "one measurement is too few");
        for _ in 0..6 {
            probe.add(64, 10.0);
        }
        assert_eq!(probe.median(), None);
        probe.add(60, 10.0);
        assert_eq!(probe.median(), Some(6400.0));
    }

    #[test]
    fn short_measurements_take_400_ms_in_all() {
        let mut probe = ThroughputProbe::default();
        for _ in 0..399 {
            probe.add(10, 1.0);
            assert_eq!(probe.median(), None);
        }
        probe.add(10, 1.0);
        assert_eq!(probe.median(), Some(10_000.0));
    }
}
