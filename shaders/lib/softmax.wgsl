// Softmax and cross-entropy. Computes the same as crates/tensor/src/softmax.rs.

// Classes that a network may have at most, as in crates/gpu/src/lower/mod.rs.
const MAX_CLASSES: u32 = 16u;
// Offsets in `partials` of the samples' labels, losses, and hits (1 where the largest logit is the label's).
override BATCH_LABELS: u32 = 0u;
override LOSSES: u32 = 0u;
override HITS: u32 = 0u;

// The gradient of the mean cross-entropy with respect to the logits [classes] at offset `output`, `(softmax - target) / batch size`; 0
// for samples that are not in use. Writes losses and hits, too, if `writes_scores`.
fn cross_entropy(
    output: u32, classes: u32, quad: u32, writes_scores: bool, gradient: ptr<function, array<vec4f, MAX_CLASSES>>,
) {
    let labels = vec4u(vec4f(
        partials[BATCH_LABELS + 4u * quad],
        partials[BATCH_LABELS + 4u * quad + 1u],
        partials[BATCH_LABELS + 4u * quad + 2u],
        partials[BATCH_LABELS + 4u * quad + 3u],
    ));
    var largest = values[output * Q + quad];
    var best = vec4u(0u);
    for (var label = 1u; label < classes; label++) {
        let logit = values[(output + label) * Q + quad];
        best = select(best, vec4u(label), logit > largest);
        largest = select(largest, logit, logit > largest);
    }
    var sum = vec4f(0.0);
    var all = vec4f(0.0);
    var of_label = vec4f(0.0);
    for (var label = 0u; label < classes; label++) {
        let below = values[(output + label) * Q + quad] - largest;
        let e = exp(below);
        (*gradient)[label] = e;
        sum += e;
        all -= below;
        of_label -= select(vec4f(0.0), below, labels == vec4u(label));
    }
    let used = in_use(quad);
    let share = step.label_smoothing / f32(classes);
    for (var label = 0u; label < classes; label++) {
        let goal = select(vec4f(share), vec4f(1.0 - step.label_smoothing + share), labels == vec4u(label));
        (*gradient)[label] = used * ((*gradient)[label] / sum - goal) / f32(step.batch_size);
    }
    if writes_scores {
        let log_sum = log(sum);
        let mean = log_sum + all / f32(classes);
        let loss = (1.0 - step.label_smoothing) * (log_sum + of_label) + step.label_smoothing * mean;
        let hit = select(vec4f(0.0), vec4f(1.0), best == labels);
        for (var lane = 0u; lane < 4u; lane++) {
            if 4u * quad + lane < step.batch_size {
                partials[LOSSES + 4u * quad + lane] = loss[lane];
                partials[HITS + 4u * quad + lane] = hit[lane];
            }
        }
    }
}
