"""Controller: an OPC UA server (asyncua) without security whose variables keep what is written to them."""

import argparse
import asyncio
import logging

from asyncua import Server, ua, uamethod
from asyncua.server.user_managers import User, UserRole

from opcua_nodes import (
    MEASURED,
    NAMESPACE,
    NAMESPACE_URI,
    PASSWORD,
    PLANT,
    PORT,
    RECIPE,
    START_PUMP,
    TRIP,
    USER,
    VARIABLES,
    node,
)


class Users:
    """Anybody may read and write, one may configure, and strangers with a name may nothing."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is None:
            return User(role=UserRole.User)
        return User(role=UserRole.Admin) if (username, password) == (USER, PASSWORD) else None


@uamethod
async def start_pump(parent, pump, speed):
    """Starts a pump at a speed; the speed it comes to."""
    return speed / 2 + pump, pump > 3


async def trip(parent):
    """Never works."""
    return ua.StatusCode(ua.StatusCodes.BadInvalidState)


async def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    # What it refuses it also logs, with a trace.
    logging.disable(logging.CRITICAL)
    server = Server(user_manager=Users())
    await server.init()
    server.set_endpoint(f"opc.tcp://{options.address}:{PORT}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_security_IDs(["Anonymous", "Username"])
    assert await server.register_namespace(NAMESPACE_URI) == NAMESPACE
    plant = await server.nodes.objects.add_object(node(PLANT), "Plant")
    for identifier, (kind, value) in VARIABLES.items():
        variable = await plant.add_variable(node(identifier), f"V {identifier}", value, varianttype=kind)
        await variable.set_writable()
    await (await plant.add_variable(node(RECIPE), "Recipe", "", varianttype=ua.VariantType.String)).set_writable()
    await plant.add_variable(node(MEASURED), "Measured", 7.25)
    numbers = [ua.VariantType.Int32, ua.VariantType.Double]
    await plant.add_method(node(START_PUMP), "Start", start_pump, numbers, [ua.VariantType.Double, ua.VariantType.Boolean])
    await plant.add_method(node(TRIP), "Trip", trip, [], [])
    async with server:
        print("ready")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
