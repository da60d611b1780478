//! A message as others see it: its fields and its operations.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb};

use super::{
    classify::{self, Function},
    content::Content,
    control::BlockName,
    data::RETURN_DONE,
    fields,
    item::{Address, Item, db_read_entries},
    pdu::{Pdu, Rosctr},
    pending::{Asked, Object, Target},
    programmer::Programmer,
    userdata::{Method, Userdata},
};
use crate::message::{Body, FieldVisitor, Kind};

/// One S7 message.
pub(super) struct S7Message<'a> {
    /// Its parts.
    pub(super) pdu: Pdu<'a>,
    /// What they say.
    pub(super) content: Content<'a>,
    /// Which function.
    pub(super) function: Option<Function>,
    /// The job it answers.
    pub(super) asked: Option<&'a Asked>,
}

impl S7Message<'_> {
    /// Request, response or report.
    pub(super) fn kind(&self) -> Kind {
        match (self.pdu.rosctr, &self.content) {
            (Rosctr::Job, _) => Kind::Request,
            (Rosctr::Acknowledge | Rosctr::AcknowledgeData, _) => Kind::Response,
            (_, Content::Userdata(userdata)) => match userdata.method() {
                Method::Request => Kind::Request,
                Method::Response => Kind::Response,
                Method::Push | Method::Unknown => Kind::Report,
            },
            (Rosctr::Userdata | Rosctr::Unknown(_), _) => Kind::Anomaly,
        }
    }

    /// Whether the answer has another function code than its job.
    pub(super) fn contradicts(&self, asked: &Asked) -> bool {
        let code = |function: Option<Function>| function.map(|function| function.number & 0xffff);
        self.function.is_some() && code(self.function) != code(asked.function)
    }

    /// Takes the function of the job, where the answer does not tell it or tells it less exactly.
    pub(super) fn name_by_job(&mut self) {
        if let Some(asked) = self.asked
            && self.kind() == Kind::Response
            && self.pdu.rosctr != Rosctr::Userdata
            && !self.contradicts(asked)
        {
            self.function = asked.function;
        }
    }

    /// What a job names besides addresses.
    pub(super) fn object(&self) -> Option<Object> {
        match &self.content {
            Content::Transfer(transfer) => {
                let block = BlockName::read(transfer.file?)?;
                Some(Object::Block(block.kind, Some(block.number)))
            }
            Content::Userdata(userdata) => userdata.object(),
            _ => None,
        }
    }

    /// An answer with a whole system status list repeats its id itself.
    fn leaves_object_out(&self) -> bool {
        match &self.content {
            Content::Userdata(userdata) => {
                userdata.group != classify::GROUP_CPU
                    || userdata.fragment()
                    || self.outcome() != Outcome::Done
            }
            _ => true,
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.kind(), &self.content) {
            (Kind::Request, _) => Outcome::Asked,
            (Kind::Response, Content::Userdata(userdata)) => userdata_outcome(userdata),
            (Kind::Response, _) => {
                self.pdu.refusal().map_or(Outcome::Done, |error| Outcome::Refused(error.into()))
            }
            (Kind::Report | Kind::Anomaly, _) => Outcome::Reported,
        }
    }

    fn whole(&self, function: Function) -> Operation<'static> {
        Operation {
            verb: function.verb,
            function: function.number,
            name: function.name,
            unit: None,
            points: None,
            values: None,
            outcome: self.outcome(),
        }
    }

    /// The addresses of the job that this answers.
    fn targets(&self) -> &[Target] {
        self.asked.map(|asked| asked.targets.as_slice()).unwrap_or_default()
    }

    /// The addresses of one item of the job; none, once, where it has none.
    fn each_target(&self, item: u16, each: &mut dyn FnMut(Option<Address>, usize)) {
        let of_item = || self.targets().iter().filter(|target| target.item == item);
        let count = of_item().count();
        if count == 0 {
            each(None, 0);
        }
        of_item().for_each(|target| each(Some(target.address), count));
    }

    /// One operation per item that the message names; false where it names none.
    fn item_operations(&self, whole: Operation<'_>, each: &mut dyn FnMut(&Operation<'_>)) -> bool {
        let mut any = false;
        let mut emit = |address: Option<Address>, values: Option<Values<'_>>, outcome: Outcome| {
            any = true;
            let points: Option<PointRange> = address.and_then(|address| address.points());
            each(&Operation { points, values, outcome, ..whole });
        };
        match &self.content {
            Content::Variables(_, items, records) => {
                let mut records = records.clone();
                for item in items.clone() {
                    let record = records.next();
                    each_address(&item, &mut |address| {
                        let values =
                            record.zip(address).and_then(|(record, address)| record.values(&address));
                        emit(address, values, whole.outcome);
                    });
                }
            }
            Content::Values(_, records) if self.pdu.refusal().is_none() => {
                for (record, n) in records.clone().zip(0..) {
                    self.each_target(n, &mut |address, count| {
                        // How the octets of several blocks follow each other in one record is not known for sure.
                        let values =
                            address.filter(|_| count == 1).and_then(|address| record.values(&address));
                        emit(address, values, of_return_code(record.return_code));
                    });
                }
            }
            Content::Codes(_, codes) if self.pdu.refusal().is_none() => {
                for (code, n) in codes.iter().zip(0..) {
                    self.each_target(n, &mut |address, _| emit(address, None, of_return_code(*code)));
                }
            }
            Content::Userdata(userdata) => {
                if let Some(programmer) = Programmer::read(userdata) {
                    let mut records = programmer.records.clone();
                    for address in programmer.addresses() {
                        let record = records.as_mut().and_then(Iterator::next);
                        let values =
                            record.zip(address).and_then(|(record, address)| record.values(&address));
                        emit(address, values, whole.outcome);
                    }
                }
                for item in userdata.subscribed().into_iter().flat_map(|(_, items)| items) {
                    each_address(&item, &mut |address| emit(address, None, whole.outcome));
                }
            }
            _ => self.targets().iter().for_each(|target| emit(Some(target.address), None, whole.outcome)),
        }
        any
    }
}

impl Body for S7Message<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::header(&self.pdu, visitor);
        fields::content(&self.pdu, &self.content, visitor);
        if let Some(function) = self.function {
            fields::function(function, visitor);
        }
        if let Some(object) = self.asked.and_then(|asked| asked.object).filter(|_| self.leaves_object_out()) {
            fields::object(object, visitor);
        }
        for target in self.targets() {
            fields::address(&target.address, visitor);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let unknown = Function { number: u32::from(u16::MAX), verb: Verb::Unknown, name: "unknown function" };
        let whole = self.whole(self.function.unwrap_or(unknown));
        if !self.item_operations(whole, each) {
            each(&whole);
        }
    }
}

/// The addresses of one item; none, once, for one that is no plain address.
fn each_address(item: &Item<'_>, each: &mut dyn FnMut(Option<Address>)) {
    match item {
        Item::Any(address) => each(Some(*address)),
        Item::DbRead(entries) => db_read_entries(entries).for_each(|address| each(Some(address))),
        Item::Raw { .. } => each(None),
    }
}

fn of_return_code(code: u8) -> Outcome {
    if code == RETURN_DONE { Outcome::Done } else { Outcome::Refused(code.into()) }
}

/// Answers tell an error in their parameters; the return code of the data only says whether data follow.
fn userdata_outcome(userdata: &Userdata<'_>) -> Outcome {
    match userdata.error {
        Some(0) | None => Outcome::Done,
        Some(error) => Outcome::Refused(error.into()),
    }
}
