"""Controller: an EtherNet/IP server (cpppo) with tags and a few objects."""

import argparse

from cpppo.server import enip
from cpppo.server.enip import device
from cpppo.server.enip.main import main as serve

from cip_points import OBJECTS, PORT, TAGS, WALL_CLOCK


class Counted:
    """Puts the number of attributes in front of a list of them, which cpppo leaves out (CIP Vol. 1, Appendix A-4.3)."""

    def request(self, data, addr=None):
        wanted = data.get(self.GA_LST_CTX)
        served = super().request(data, addr=addr)
        if data.get("service") == self.GA_LST_RPY and data.status == 0:
            data.get_attribute_list.data[:0] = enip.UINT.produce(len(wanted))
            data.input = bytearray(self.produce(data))
        return served


class Identity(Counted, device.Identity):
    """Who the controller is."""


class WallClock(Counted, device.Object):
    """The clock of a Logix controller."""

    class_id = WALL_CLOCK[0]


def ready():
    """Called when the server waits for the first time, and ever after."""
    if not ready.told:
        print("ready")
    ready.told = True


ready.told = False


def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    WallClock(instance_id=WALL_CLOCK[1])
    tags = [f"{name}={kind}[{elements}]" if elements else f"{name}={kind}" for name, (kind, elements) in TAGS.items()]
    objects = [f"OBJECT_{path[0]}@{'/'.join(map(str, path))}={kind}" for path, kind in OBJECTS.items()]
    served = ["--no-config", "--no-udp", "--address", f"{options.address}:{PORT}", *tags, *objects]
    serve(served, idle_service=ready, identity_class=Identity)


if __name__ == "__main__":
    main()
