"""What a message of OPC UA says, under the keys of `fieldwarden decode --json`, out of the library's own objects."""

import datetime

from asyncua import ua

MOST_VALUES = 64  # that `decode` tells of one array
EXECUTABLE, BROWSED = 21, 1
NUMBERS = {
    ua.VariantType.Boolean, ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16, ua.VariantType.UInt16,
    ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64, ua.VariantType.UInt64, ua.VariantType.Float,
    ua.VariantType.Double, ua.VariantType.DateTime, ua.VariantType.StatusCode,
}  # fmt: skip
# How values that are no numbers are written.
WRITTEN = {
    ua.VariantType.String: lambda text: text or "",
    ua.VariantType.QualifiedName: lambda name: name.Name or "",
    ua.VariantType.LocalizedText: lambda text: text.Text or "",
    ua.VariantType.Guid: lambda guid: f"g={guid}",
    ua.VariantType.ByteString: lambda octets: (octets or b"").hex(),
    ua.VariantType.NodeId: lambda node: written(node),
    ua.VariantType.ExpandedNodeId: lambda node: written(node),
}
# What a message has once; what a service says stands in lists.
SINGLE = {"message_type", "request_id", "service", "service_result", "security_policy"}
EPOCH = datetime.datetime(1601, 1, 1)
TOKENS = {ua.AnonymousIdentityToken: "anonymous", ua.UserNameIdentityToken: "user name", ua.X509IdentityToken: "certificate"}


def line(told):
    """As `decode` has it: lists, but for what a message has once."""
    return {key: value if key in SINGLE or isinstance(value, list) else [value] for key, value in told.items()}


def values_of(variant):
    """The values of a variant: an array of numbers in full, of an array of anything else the first."""
    if variant is None or variant.VariantType == ua.VariantType.Null:
        return ["null"]
    kind, value = variant.VariantType, variant.Value
    parts = value if isinstance(value, list) else [value]
    if kind in NUMBERS:
        return [number(part) for part in parts[:MOST_VALUES]]
    if kind in WRITTEN and parts:
        return [WRITTEN[kind](parts[0])]
    return [f"type {kind.value}"]


def number(value):
    if isinstance(value, datetime.datetime):
        # In steps of 100 ns since 1601 (OPC 10000-6, 5.2.2.5); a date at the end of the range stands for none.
        return (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1) * 10
    if isinstance(value, ua.StatusCode):
        return value.value
    return float(value) if isinstance(value, float) else int(value)


def written(node):
    """As OPC 10000-6, 5.3.1.10 has it; but `decode` tells octets in hexadecimal digits everywhere."""
    if node.NodeIdType == ua.NodeIdType.ByteString:
        return f"ns={node.NamespaceIndex};b={node.Identifier.hex()}"
    return ua.NodeId.to_string(node)


def asked(request):
    """What a question says."""
    told = {"service": request.TypeId.Identifier}
    kind, parameters = type(request), getattr(request, "Parameters", None)
    if kind is ua.ReadRequest:
        return told | nodes((item.NodeId, item.AttributeId) for item in parameters.NodesToRead)
    if kind is ua.WriteRequest:
        written = [values_of(item.Value.Value) for item in parameters.NodesToWrite]
        return told | nodes((item.NodeId, item.AttributeId) for item in parameters.NodesToWrite) | {"values": sum(written, [])}
    if kind is ua.CallRequest:
        arguments = [values_of(value) for item in parameters.MethodsToCall for value in item.InputArguments]
        return told | nodes((item.MethodId, EXECUTABLE) for item in parameters.MethodsToCall) | {"values": sum(arguments, [])}
    if kind is ua.BrowseRequest:
        return told | nodes((item.NodeId, BROWSED) for item in parameters.NodesToBrowse)
    if kind in (ua.RegisterNodesRequest, ua.UnregisterNodesRequest):
        named = parameters.NodesToRegister if kind is ua.RegisterNodesRequest else parameters.NodesToUnregister
        return told | nodes((item, BROWSED) for item in named)
    if kind is ua.DeleteNodesRequest:
        return told | nodes((item.NodeId, BROWSED) for item in parameters.NodesToDelete)
    if kind is ua.CreateMonitoredItemsRequest:
        items = parameters.ItemsToCreate
        return told | nodes((item.ItemToMonitor.NodeId, item.ItemToMonitor.AttributeId) for item in items) | {
            "subscription_id": parameters.SubscriptionId,
            "item_handles": [item.RequestedParameters.ClientHandle for item in items],
        }  # fmt: skip
    return told | asked_for_session(kind, parameters)


def asked_for_session(kind, parameters):
    """The questions that open channels and sessions."""
    if kind is ua.OpenSecureChannelRequest:
        return {
            "request_type": int(parameters.RequestType), "security_mode": int(parameters.SecurityMode),
            "lifetime_ms": parameters.RequestedLifetime, "security_policy": "http://opcfoundation.org/UA/SecurityPolicy#None",
        }  # fmt: skip
    if kind is ua.GetEndpointsRequest:
        return {"endpoint": parameters.EndpointUrl}
    if kind is ua.CreateSessionRequest:
        return {
            "application_uri": parameters.ClientDescription.ApplicationUri, "endpoint": parameters.EndpointUrl,
            "application_name": parameters.ClientDescription.ApplicationName.Text, "session_name": parameters.SessionName,
        }  # fmt: skip
    if kind is ua.ActivateSessionRequest:
        token = parameters.UserIdentityToken
        user = {"user_name": token.UserName, "clear_password": 1} if isinstance(token, ua.UserNameIdentityToken) else {}
        return {"user_token": TOKENS[type(token)]} | user
    return {}


def got(response):
    """What an answer says."""
    told = {"service": response.TypeId.Identifier, "service_result": response.ResponseHeader.ServiceResult.value}
    kind, results = type(response), getattr(response, "Results", None)
    if kind is ua.ReadResponse:
        return told | {"values": sum((values_of(result.Value) for result in results), []), "statuses": statuses(results)}
    if kind in (ua.WriteResponse, ua.DeleteNodesResponse, ua.DeleteSubscriptionsResponse):
        return told | {"statuses": [status.value for status in results]}
    if kind is ua.CallResponse:
        returned = [values_of(value) for result in results for value in result.OutputArguments]
        return told | {"statuses": statuses(results), "values": sum(returned, [])}
    if kind is ua.PublishResponse:
        items = [
            item
            for change in response.Parameters.NotificationMessage.NotificationData or []
            if isinstance(change, ua.DataChangeNotification)
            for item in change.MonitoredItems
        ]
        return told | {
            "subscription_id": response.Parameters.SubscriptionId, "item_handles": [item.ClientHandle for item in items],
            "values": sum((values_of(item.Value.Value) for item in items), []),
            "statuses": statuses([item.Value for item in items]),
        }  # fmt: skip
    if kind is ua.CreateSubscriptionResponse:
        return told | {"subscription_id": response.Parameters.SubscriptionId}
    if kind in (ua.BrowseResponse, ua.CreateMonitoredItemsResponse, ua.AddNodesResponse):
        return told | {"statuses": statuses(results)}
    if kind is ua.OpenSecureChannelResponse:
        token = response.Parameters.SecurityToken
        return told | {"new_channel_id": token.ChannelId, "new_token_id": token.TokenId}
    return told


def nodes(touched):
    touched = list(touched)
    return {"nodes": [written(node) for node, _ in touched], "attributes": [int(attribute) for _, attribute in touched]}


def statuses(results):
    """Of each result; an absent status is a good one (OPC 10000-6, 5.2.2.17)."""
    return [result.StatusCode.value if result.StatusCode else 0 for result in results]
