//! Pairwise (cascade) summation of what the blocks of a batch contribute, in an order that depends only on
//! the number of blocks (Higham 1993, "The accuracy of floating point summation").

use wide::f32x4;

/// The sum over `2^level` blocks, from block `index * 2^level` on: a node of the binary tree in which all
/// blocks are added.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialSum {
    /// Height of the node: 0 for a single block.
    pub level: u32,
    /// Number of the node within its level.
    pub index: u32,
    /// The sums.
    pub values: Vec<f32>,
}

/// Adds contributions in pairs, pairs of pairs and so on, like the digits of a binary counter; nodes that
/// have no partner in the end are added from the smallest up.
///
/// Nodes may be pushed instead of single blocks, and in any order. So any split of the blocks over cores
/// gives the same sum to the last bit: each core sends the nodes that it could complete.
#[derive(Clone, Debug, Default)]
pub struct PairwiseSum {
    nodes: Vec<PartialSum>,
    /// Vectors that are reused, so that a step allocates nothing.
    free: Vec<Vec<f32>>,
}

impl PairwiseSum {
    /// Returns room for the contribution of block `index`, `len` numbers of any value; to be filled and then
    /// pushed.
    pub fn block(&mut self, index: usize, len: usize) -> PartialSum {
        let mut values = self.free.pop().unwrap_or_default();
        values.truncate(len);
        values.reserve_exact(len - values.len());
        values.resize(len, 0.0);
        PartialSum { level: 0, index: index as u32, values }
    }

    /// Adds the node of this level and index without taking its memory.
    pub fn push_values(&mut self, level: u32, index: u32, values: &[f32]) {
        match self.partner(level, index) {
            // Straight to its partner, which may then have a partner itself.
            Some(at) => {
                let mut node = self.nodes.swap_remove(at);
                add(&mut node.values, values);
                (node.level, node.index) = (level + 1, index / 2);
                self.push(node);
            }
            None => {
                let mut node = self.block(index as usize, values.len());
                node.level = level;
                node.values.copy_from_slice(values);
                self.nodes.push(node);
            }
        }
    }

    /// Adds a node.
    pub fn push(&mut self, mut node: PartialSum) {
        while let Some(at) = self.partner(node.level, node.index) {
            let mut other = self.nodes.swap_remove(at);
            add(&mut other.values, &node.values);
            self.free.push(node.values);
            node = PartialSum { level: node.level + 1, index: node.index / 2, values: other.values };
        }
        self.nodes.push(node);
    }

    /// The position of the other child of a node's parent, if it is here. The two may come in either order:
    /// `a + b` is `b + a`.
    fn partner(&self, level: u32, index: u32) -> Option<usize> {
        self.nodes.iter().position(|node| node.level == level && node.index == index ^ 1)
    }

    /// Takes back the room for a contribution that is given up.
    pub(crate) fn recycle(&mut self, node: PartialSum) {
        self.free.push(node.values);
    }

    /// The nodes, none of which has a partner.
    pub fn partial_sums(&self) -> &[PartialSum] {
        &self.nodes
    }

    /// Drops all nodes.
    pub fn clear(&mut self) {
        self.free.extend(self.nodes.drain(..).map(|node| node.values));
    }

    /// Adds the nodes of `other`, and leaves it empty.
    pub fn append(&mut self, other: &mut Self) {
        for node in other.nodes.drain(..) {
            // A vector for a vector: otherwise all of them would gather on one side.
            other.free.push(self.free.pop().unwrap_or_default());
            self.push(node);
        }
    }

    /// Writes the sum of all nodes into `total`, and leaves none.
    pub fn finish(&mut self, total: &mut Vec<f32>) {
        // Nodes cover disjoint blocks: from the last blocks, which are the smallest node, to the first.
        self.nodes.sort_unstable_by_key(|node| node.index << node.level);
        let Some(mut last) = self.nodes.pop() else { return total.clear() };
        std::mem::swap(total, &mut last.values);
        self.free.push(last.values);
        while let Some(node) = self.nodes.pop() {
            add(total, &node.values);
            self.free.push(node.values);
        }
    }
}

fn add(sum: &mut [f32], other: &[f32]) {
    let ((sum, last), (other, other_last)) = (sum.as_chunks_mut(), other.as_chunks());
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum = (f32x4::from(*sum) + f32x4::from(*other)).to_array();
    }
    last.iter_mut().zip(other_last).for_each(|(sum, other)| *sum += other);
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_split_gives_the_same_bits(
            values in prop::collection::vec(-1e3f32..1e3, 1..70),
            cuts in prop::collection::vec(0usize..70, 0..8),
            from in 0usize..8,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % values.len()).chain([0, values.len()]).collect();
            cuts.sort_unstable();
            let (mut whole, mut merged) = (PairwiseSum::default(), PairwiseSum::default());
            let push = |sum: &mut PairwiseSum, index: usize| {
                let mut node = sum.block(index, 1);
                node.values[0] = values[index];
                sum.push(node);
            };
            (0..values.len()).for_each(|i| push(&mut whole, i));
            let mut shards: Vec<&[usize]> = cuts.windows(2).collect();
            let from = from % shards.len();
            shards.rotate_left(from);
            for cut in shards {
                let mut shard = PairwiseSum::default();
                (cut[0]..cut[1]).for_each(|i| push(&mut shard, i));
                if cut[0] % 2 == 0 {
                    shard.partial_sums().iter().for_each(|n| merged.push_values(n.level, n.index, &n.values));
                } else {
                    merged.append(&mut shard);
                }
            }
            let (mut a, mut b) = (Vec::new(), Vec::new());
            whole.finish(&mut a);
            merged.finish(&mut b);
            prop_assert_eq!(a[0].to_bits(), b[0].to_bits());
        }
    }
}
