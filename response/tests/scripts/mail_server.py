"""A mail server (aiosmtpd) that demands TLS and a password, writes down what it took as Python's own parser reads it, and misbehaves as told.

One argument, JSON: port, tls (starttls or implicit), certificate, key, journal, and what it does:
refuse [address], defer {address: how often}, data [one word for each mail: ok, early (dies within DATA), late (dies before its answer), 451, 554, stall].
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

PLAN = json.loads(sys.argv[1])
DATA = list(PLAN.get("data", []))
DEFER = dict(PLAN.get("defer", {}))


def write_down(envelope, answered):
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    line = {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "headers": [[name, str(value)] for name, value in mail.items()],
        "text": mail.get_content().replace("\r\n", "\n"),
        "defects": [repr(defect) for defect in mail.defects],
        "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
        "answered": answered,
    }
    with open(PLAN["journal"], "a", encoding="utf-8") as journal:
        journal.write(json.dumps(line) + "\n")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in PLAN.get("refuse", []):
            return "550 5.1.1 no such person"
        if DEFER.get(address, 0) > 0:
            DEFER[address] -= 1
            return "450 4.2.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        word = DATA.pop(0) if DATA else "ok"
        write_down(envelope, word == "ok")
        if word == "late":
            os._exit(1)
        if word == "stall":
            await asyncio.sleep(3600)
        if word in ("451", "554"):
            return f"{word} as the test says"
        return "250 queued"


class Server(SMTP):
    async def smtp_DATA(self, argument):
        if DATA and DATA[0] == "early":
            await self.push("354 go on")
            os._exit(1)
        await super().smtp_DATA(argument)


def authenticate(server, session, envelope, mechanism, data):
    known = data.login == b"gateway" and data.password == b"correct-horse"
    return AuthResult(success=known, handled=False)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PLAN["certificate"], PLAN["key"])
    implicit = PLAN["tls"] == "implicit"

    def session():
        return Server(
            Handler(),
            hostname="mail.test",
            tls_context=None if implicit else context,
            require_starttls=not implicit,
            auth_required=True,
            auth_require_tls=not implicit,
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", PLAN["port"], ssl=context if implicit else None)
    await server.serve_forever()


asyncio.run(main())
