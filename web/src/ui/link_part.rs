//! The part of a link that a feature owns: keys with values, such as `open=C3&map=5`.

/// One key of a link, whose value is a part of the state `T`.
pub(crate) struct LinkPart<T> {
    pub(crate) key: &'static str,
    /// The value; none while it is the default one or is not visible.
    pub(crate) get: fn(&T) -> Option<String>,
    /// Sets the value; none if there is no such value.
    pub(crate) set: fn(&mut T, &str) -> Option<()>,
    /// Which values there are: a clause for people who wrote another one.
    pub(crate) usage: &'static str,
}

/// The keys and values of a state that a link carries.
pub(crate) fn write<T>(parts: &[LinkPart<T>], state: &T) -> impl Iterator<Item = (&'static str, String)> {
    parts.iter().filter_map(move |part| Some((part.key, (part.get)(state)?)))
}

/// Reads a value into `state`; none if no part has this key.
///
/// # Errors
/// Which values the key has, if it does not have this one.
pub(crate) fn read<T>(
    parts: &[LinkPart<T>],
    state: &mut T,
    key: &str,
    value: &str,
) -> Option<Result<(), String>> {
    let part = parts.iter().find(|part| part.key == key)?;
    Some((part.set)(state, value).ok_or_else(|| part.usage.to_owned()))
}

/// `0` or `1`.
pub(crate) fn parse_bit(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// A number that people count from 1, as an index from 0.
pub(crate) fn parse_ordinal(text: &str) -> Option<usize> {
    text.parse::<usize>().ok()?.checked_sub(1)
}

/// Which of these names are in a list with commas.
pub(crate) fn parse_subset<const N: usize>(text: &str, names: [&str; N]) -> Option<[bool; N]> {
    let mut subset = [false; N];
    for name in text.split(',').filter(|name| !name.is_empty()) {
        subset[names.iter().position(|known| *known == name)?] = true;
    }
    Some(subset)
}

/// The names of a subset as a list with commas.
pub(crate) fn write_subset<const N: usize>(subset: [bool; N], names: [&str; N]) -> String {
    let chosen = names.into_iter().zip(subset).filter(|(_, chosen)| *chosen);
    chosen.map(|(name, _)| name).collect::<Vec<_>>().join(",")
}

/// Reads keys and values into the default state.
#[cfg(test)]
pub(crate) fn parse<T: Default>(parts: &[LinkPart<T>], link: &str) -> Result<T, String> {
    let mut state = T::default();
    for (key, value) in link.split('&').filter_map(|part| part.split_once('=')) {
        read(parts, &mut state, key, value).unwrap()?;
    }
    Ok(state)
}

/// The keys and values of a state in one line.
#[cfg(test)]
pub(crate) fn text<T>(parts: &[LinkPart<T>], state: &T) -> String {
    write(parts, state).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}
