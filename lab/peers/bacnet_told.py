"""What an APDU of BACnet says, under the keys of `fieldwarden decode --json`, out of the library's own objects."""

from bacpypes3 import apdu as apdus
from bacpypes3.primitivedata import (
    CharacterString,
    Double,
    Enumerated,
    Integer,
    Real,
    TagClass,
    TagList,
    TagNumber,
    Unsigned,
)

NUMBERS = {
    TagNumber.unsigned: Unsigned, TagNumber.enumerated: Enumerated, TagNumber.integer: Integer, TagNumber.real: Real,
    TagNumber.double: Double,
}  # fmt: skip
ERRORS = (apdus.ErrorPDU, apdus.RejectPDU, apdus.AbortPDU)


class Lists(dict):
    """Lists under their keys."""

    def add(self, key, *items):
        self.setdefault(key, []).extend(items)

    def object(self, identifier):
        kind, instance = identifier
        self.add("object_type", int(kind))
        self.add("object_instance", int(instance))

    def reference(self, reference):
        """A property, and the element of it."""
        self.add("property", int(reference.propertyIdentifier))
        if reference.propertyArrayIndex is not None:
            self.add("array_index", int(reference.propertyArrayIndex))

    def value(self, value):
        """Each value by its application tag (20.2.1.4)."""
        for tag in value.tagList:
            if tag.tag_class in (TagClass.opening, TagClass.closing):
                continue
            number = TagNumber(tag.tag_number)
            if tag.tag_class == TagClass.context:
                self.add("values", bytes(tag.tag_data).hex())
            elif number == TagNumber.objectIdentifier:
                whole = int.from_bytes(tag.tag_data, "big")
                self.object((whole >> 22, whole & 0x3F_FFFF))
            elif number == TagNumber.null:
                self.add("values", "null")
            elif number == TagNumber.boolean:
                self.add("values", int(tag.tag_lvt))
            elif number in NUMBERS:
                told = NUMBERS[number].decode(TagList([tag]))
                self.add("values", float(told) if number in (TagNumber.real, TagNumber.double) else int(told))
            elif number == TagNumber.characterString:
                self.add("values", str(CharacterString.decode(TagList([tag]))))
            else:
                self.add("values", bytes(tag.tag_data).hex())


def told(apdu):
    """One message."""
    head = {"pdu_type": int(apdu.apduType)}
    if not isinstance(apdu, apdus.UnconfirmedRequestPDU):
        head["invoke_id"] = apdu.apduInvokeID
    if isinstance(apdu, (apdus.RejectPDU, apdus.AbortPDU)):
        key = "reject_reason" if isinstance(apdu, apdus.RejectPDU) else "abort_reason"
        return head | {key: int(apdu.apduAbortRejectReason)}
    unconfirmed = isinstance(apdu, apdus.UnconfirmedRequestPDU)
    head["unconfirmed_service" if unconfirmed else "confirmed_service"] = int(apdu.apduService)
    if isinstance(apdu, apdus.ErrorPDU):
        error = getattr(apdu, "errorType", None) or apdu
        head |= {"error_class": int(error.errorClass), "error_code": int(error.errorCode)}
    lists = Lists()
    SAYS.get(type(apdu), lambda apdu, lists: None)(apdu, lists)
    return head | lists


def failed(apdu, lists):
    """The first write that failed."""
    lists.object(apdu.firstFailedWriteAttempt.objectIdentifier)
    lists.reference(apdu.firstFailedWriteAttempt)


def discovered(apdu, lists):
    if apdu.deviceInstanceRangeLowLimit is not None:
        lists.add("low_limit", int(apdu.deviceInstanceRangeLowLimit))
        lists.add("high_limit", int(apdu.deviceInstanceRangeHighLimit))


def device(apdu, lists):
    lists.object(apdu.iAmDeviceIdentifier)
    lists.add("max_apdu_and_vendor", int(apdu.maxAPDULengthAccepted), int(apdu.vendorID))
    lists.add("segmentation", int(apdu.segmentationSupported))


def searched(apdu, lists):
    if apdu.limits is not None:
        lists.add("low_limit", int(apdu.limits.deviceInstanceRangeLowLimit))
        lists.add("high_limit", int(apdu.limits.deviceInstanceRangeHighLimit))
    if apdu.object.objectIdentifier is not None:
        lists.object(apdu.object.objectIdentifier)
    else:
        lists.add("object_name", str(apdu.object.objectName))


def owned(apdu, lists):
    lists.object(apdu.deviceIdentifier)
    lists.object(apdu.objectIdentifier)
    lists.add("object_name", str(apdu.objectName))


def read(apdu, lists):
    lists.object(apdu.objectIdentifier)
    lists.reference(apdu)


def valued(apdu, lists):
    """A property with its value, read or to be written."""
    read(apdu, lists)
    lists.value(apdu.propertyValue)
    if getattr(apdu, "priority", None) is not None:
        lists.add("priority", int(apdu.priority))


def read_multiple(apdu, lists):
    for wanted in apdu.listOfReadAccessSpecs:
        lists.object(wanted.objectIdentifier)
        for reference in wanted.listOfPropertyReferences:
            lists.reference(reference)


def results(apdu, lists):
    for result in apdu.listOfReadAccessResults:
        lists.object(result.objectIdentifier)
        for element in result.listOfResults:
            lists.reference(element)
            error = element.readResult.propertyAccessError
            if error is not None:
                lists.add("error_numbers", int(error.errorClass), int(error.errorCode))
            else:
                lists.value(element.readResult.propertyValue)


def write_multiple(apdu, lists):
    for wanted in apdu.listOfWriteAccessSpecs:
        lists.object(wanted.objectIdentifier)
        values(wanted.listOfProperties, lists)


def values(properties, lists):
    for each in properties:
        lists.reference(each)
        lists.value(each.value)
        if each.priority is not None:
            lists.add("priority", int(each.priority))


def changed(apdu, lists):
    lists.add("process_id", int(apdu.subscriberProcessIdentifier))
    lists.object(apdu.initiatingDeviceIdentifier)
    lists.object(apdu.monitoredObjectIdentifier)
    lists.add("time_remaining", int(apdu.timeRemaining))
    values(apdu.listOfValues, lists)


def subscribed(apdu, lists):
    lists.add("process_id", int(apdu.subscriberProcessIdentifier))
    lists.object(apdu.monitoredObjectIdentifier)
    if apdu.issueConfirmedNotifications is not None:
        lists.add("confirmed_notifications", int(apdu.issueConfirmedNotifications))
    if apdu.lifetime is not None:
        lists.add("lifetime_seconds", int(apdu.lifetime))


def controlled(apdu, lists):
    if apdu.timeDuration is not None:
        lists.add("duration_minutes", int(apdu.timeDuration))
    lists.add("communication", int(apdu.enableDisable))
    if apdu.password is not None:
        lists.add("password", str(apdu.password))


def reinitialized(apdu, lists):
    lists.add("reinitialized_state", int(apdu.reinitializedStateOfDevice))
    if apdu.password is not None:
        lists.add("password", str(apdu.password))


def timed(apdu, lists):
    """Date and time by their octets (20.2.12, 20.2.13)."""
    lists.add("date", bytes(apdu.time.date).hex())
    lists.add("time", bytes(apdu.time.time).hex())


def private(apdu, lists):
    lists.add("vendor_id", int(apdu.vendorID))
    lists.add("service_number", int(apdu.serviceNumber))


SAYS = {
    apdus.WhoIsRequest: discovered, apdus.IAmRequest: device, apdus.WhoHasRequest: searched, apdus.IHaveRequest: owned,
    apdus.ReadPropertyRequest: read, apdus.ReadPropertyACK: valued, apdus.WritePropertyRequest: valued,
    apdus.ReadPropertyMultipleRequest: read_multiple, apdus.ReadPropertyMultipleACK: results,
    apdus.WritePropertyMultipleRequest: write_multiple, apdus.WritePropertyMultipleError: failed,
    apdus.SubscribeCOVRequest: subscribed,
    apdus.ConfirmedCOVNotificationRequest: changed, apdus.UnconfirmedCOVNotificationRequest: changed,
    apdus.DeviceCommunicationControlRequest: controlled, apdus.ReinitializeDeviceRequest: reinitialized,
    apdus.TimeSynchronizationRequest: timed, apdus.ConfirmedPrivateTransferRequest: private,
}  # fmt: skip
