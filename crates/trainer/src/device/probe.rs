//! The throughput of a device, measured in a short time on a machine that does other things as well.

/// Milliseconds of work that are measured.
const PROBE_MS: f64 = 400.0;
/// The smallest number of measurements.
const MIN_MEASUREMENTS: usize = 5;
/// Milliseconds of a measurement. Browsers that protect their users let clocks advance by up to 100 ms at
/// once: by such a clock most steps take no time, and some take 100 ms.
const MEASUREMENT_MS: f64 = 40.0;

/// Measures the throughput of a device from steps of the cores, or from submissions to a GPU.
///
/// The result is the median. In a page that has just opened, data arrives and code is compiled between two
/// steps: a step that took half a second once made two cores look slower (142 images/s) than a GPU in
/// software (299), which then trained for good.
#[derive(Debug, Default)]
pub(crate) struct ThroughputProbe {
    /// Images a second of each measurement.
    images_per_second: Vec<f32>,
    /// Milliseconds of all measurements.
    ms: f64,
    /// Images and milliseconds of the measurement under way.
    under_way: (usize, f64),
}

impl ThroughputProbe {
    /// Adds work on `images` images that took `ms` milliseconds.
    pub(crate) fn add(&mut self, images: usize, ms: f64) {
        self.under_way.0 += images;
        self.under_way.1 += ms;
        if self.under_way.1 >= MEASUREMENT_MS {
            let (images, ms) = std::mem::take(&mut self.under_way);
            self.images_per_second.push((1000.0 * images as f64 / ms) as f32);
            self.ms += ms;
        }
    }

    /// Milliseconds of all work that was added.
    pub(crate) fn ms(&self) -> f64 {
        self.ms + self.under_way.1
    }

    /// Median images a second; `None` before there are enough measurements.
    pub(crate) fn median(&mut self) -> Option<f32> {
        if self.ms < PROBE_MS || self.images_per_second.len() < MIN_MEASUREMENTS {
            return None;
        }
        self.median_so_far()
    }

    /// Median images a second of what has been measured by now.
    pub(crate) fn median_so_far(&mut self) -> Option<f32> {
        let middle = self.images_per_second.len() / 2;
        if self.images_per_second.is_empty() {
            return None;
        }
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
        for _ in 0..15 {
            probe.add(64, 10.0);
            assert_eq!(probe.median(), None);
        }
        probe.add(64, 10.0);
        assert_eq!(probe.median(), Some(6400.0));
    }

    #[test]
    fn a_clock_that_advances_by_100_ms_at_once_gives_the_same_rate() {
        for tick in [16.0, 20.0, 100.0] {
            let (mut probe, mut now) = (ThroughputProbe::default(), 7.0_f64);
            let rate = loop {
                let seen = |ms: f64| (ms / tick).floor() * tick;
                probe.add(64, seen(now + 3.0) - seen(now));
                now += 3.0;
                if let Some(rate) = probe.median() {
                    break rate;
                }
            };
            // A measurement begins and ends at ticks, which may be a step off.
            let right = 64_000.0 / 3.0;
            assert!(
                (rate / right - 1.0).abs() < 0.07,
                "{rate} images/s with ticks of {tick} ms, not {right}"
            );
        }
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
