//! Signed access as its users see it: keys made here, URLs and cookies signed here, and everything an attacker may do
//! to them.

#[cfg(test)]
mod confusion;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod policy_tricks;
#[cfg(test)]
mod remembered;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tricks;
