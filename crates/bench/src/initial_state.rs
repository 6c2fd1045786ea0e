//! The initial parameters and the order of the images that a benchmark gives to every library, so that all train the same network on the
//! same batches.

use nn::plan::Plan;

/// The random numbers of mulberry32, from 0 to below 1.
pub fn mulberry32(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x6d2b_79f5);
        let mut t = (state ^ state >> 15).wrapping_mul(state | 1);
        t ^= t.wrapping_add((t ^ t >> 7).wrapping_mul(t | 61));
        f64::from(t ^ t >> 14) / 4_294_967_296.0
    }
}

/// The initial parameters of all libraries that are compared: uniform between plus and minus `1 / sqrt(fan_in)`, biases included
/// (PyTorch's default for `Conv2d` and `Linear`). In the order of the plan's flat parameter vector.
pub fn initial_parameters(plan: &Plan, seed: u32) -> Vec<f32> {
    let mut random = mulberry32(seed);
    let mut parameters = Vec::with_capacity(plan.parameter_count());
    let mut bound = 0.0;
    for parameter in &plan.parameters {
        if parameter.is_weight() {
            bound = 1.0 / (parameter.dims[1..].iter().product::<usize>() as f64).sqrt();
        }
        parameters.extend(parameter.range().map(|_| ((random() * 2.0 - 1.0) * bound) as f32));
    }
    parameters
}

/// The order of `images` images in an epoch: a Fisher-Yates shuffle, the same in all libraries.
pub fn shuffled(images: u32, seed: u32) -> Vec<u32> {
    let mut random = mulberry32(seed);
    let mut order: Vec<u32> = (0..images).collect();
    for last in (1..order.len()).rev() {
        let other = (random() * (last + 1) as f64) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn numbers_agree_with_the_javascript_of_the_other_libraries() {
        // Computed by the JavaScript of the other libraries' pages with seed 1.
        let mut random = mulberry32(1);
        let first = [random(), random(), random()];
        assert_eq!(first, [0.627_073_940_588_161_3, 0.002_735_721_180_215_478, 0.527_447_039_959_952_2]);
        assert_eq!(shuffled(10, 1001), [7, 9, 5, 6, 4, 3, 8, 0, 2, 1]);
        let config = Config::default();
        let plan = Plan::new(&config.network().unwrap()).unwrap();
        let parameters = initial_parameters(&plan, 1);
        assert_eq!(parameters.len(), 61_706);
        let some = [parameters[0], parameters[150], parameters[61_705]];
        assert_eq!(some, [0.050_829_574, -0.076_820_45, -0.038_788_226]);
    }
}
