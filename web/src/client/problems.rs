//! What failed, in sentences that stay until they are dismissed.

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The link. Only the last one matters.
    Link,
    /// A command or a setting that was refused. Only the last one matters.
    Refusal,
    /// Anything else.
    Fault,
}

/// The most sentences at once.
const MAX: usize = 3;

/// The sentences, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Problems(Vec<(Topic, String)>);

impl Problems {
    pub(crate) fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, sentence)| sentence.as_str())
    }

    /// Adds a sentence in place of an older one about the same link or refusal. None is there twice.
    pub(crate) fn add(&mut self, topic: Topic, sentence: String) {
        self.0.retain(|(other, _)| topic == Topic::Fault || *other != topic);
        self.remove(&sentence);
        self.0.push((topic, sentence));
        let excess = self.0.len().saturating_sub(MAX);
        self.0.drain(..excess);
    }

    pub(crate) fn remove(&mut self, sentence: &str) {
        self.0.retain(|(_, other)| other != sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stay_beside_each_other_and_only_the_last_link_and_refusal_count() {
        let mut problems = Problems::default();
        let added = [
            (Topic::Fault, "no room"),
            (Topic::Refusal, "too large"),
            (Topic::Fault, "no room"),
            (Topic::Refusal, "far too large"),
            (Topic::Link, "lr=fast"),
        ];
        added.into_iter().for_each(|(topic, sentence)| problems.add(topic, sentence.into()));
        assert_eq!(problems.sentences().collect::<Vec<_>>(), ["no room", "far too large", "lr=fast"]);
        problems.add(Topic::Fault, "late".into());
        problems.remove("lr=fast");
        assert_eq!(problems.sentences().collect::<Vec<_>>(), ["far too large", "late"], "three at most");
    }
}
