//! Where orders are carried out: the gateway itself, and the switches the site file names. The target of an order decides.

use fieldwarden_model::{
    Order, Target,
    order::{Ends, MAX_ENDS},
};

use crate::drivers::{Driver, Switch};

/// Every enforcement point.
pub struct Points {
    all: Vec<Point>,
}

/// One of them.
pub struct Point {
    /// The switch's name; none for the gateway.
    switch: Option<String>,
    /// What changes it.
    pub(crate) driver: Box<dyn Driver>,
}

impl Points {
    /// The gateway, and switches of different names.
    #[must_use]
    pub fn new(gateway: Box<dyn Driver>, switches: Vec<Switch>) -> Self {
        let gateway = Point { switch: None, driver: gateway };
        let switches =
            switches.into_iter().map(|switch| Point { switch: Some(switch.name), driver: switch.driver });
        Self { all: std::iter::once(gateway).chain(switches).collect() }
    }

    /// Which of them carries out an order against `target`.
    ///
    /// # Errors
    /// When there is none, as a sentence.
    pub(crate) fn of(&self, target: &Target) -> Result<usize, String> {
        let name = match target {
            Target::SwitchPort { switch, .. } => Some(switch),
            Target::Talker { .. } | Target::Conversation { .. } => None,
        };
        let found = self.all.iter().position(|point| point.switch.as_ref() == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.all.iter().filter_map(|point| point.switch.as_deref()).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            format!("{target}: no such switch is configured here; known is: {known}")
        })
    }

    /// For each of these conversations why `order` does not reach it; none where it does or where nobody can tell.
    ///
    /// # Errors
    /// When they are too many, the order is none, or nothing carries it out, as a sentence.
    pub(crate) fn past(&self, order: &Order, ends: &[Ends]) -> Result<Vec<Option<String>>, String> {
        if ends.len() > MAX_ENDS {
            return Err(format!("{} conversations at once; ask for at most {MAX_ENDS}", ends.len()));
        }
        order.scope.fits(&order.target)?;
        let point = self.get(self.of(&order.target)?).ok_or("nothing enforces it")?;
        Ok(point.driver.past(order, ends))
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Point> {
        self.all.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Point> {
        self.all.get_mut(at)
    }

    /// All of them, to be changed past any order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Point> {
        self.all.iter_mut()
    }
}

impl Point {
    /// What people call it, told in every plan.
    pub(crate) fn title(&self) -> String {
        match &self.switch {
            Some(switch) => format!("{} at switch {switch}", self.driver.name()),
            None => self.driver.name().into(),
        }
    }

    pub(crate) const fn is_gateway(&self) -> bool {
        self.switch.is_none()
    }
}

impl<D: Driver + 'static> From<Box<D>> for Points {
    fn from(gateway: Box<D>) -> Self {
        Self::new(gateway, Vec::new())
    }
}

impl From<Box<dyn Driver>> for Points {
    fn from(gateway: Box<dyn Driver>) -> Self {
        Self::new(gateway, Vec::new())
    }
}
