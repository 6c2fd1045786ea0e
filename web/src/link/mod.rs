//! Links: the state of the page as the fragment of its address, as in `#v=1&preset=mlp30&lr=0.01&hide=layers,seed&theme=dark`.

pub(crate) mod address;
pub(crate) mod linked;
mod repair;
pub(crate) mod share;
