"""Files too large for a request: uploaded straight to storage, then named by an id."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from portico.domain.errors import NotFound, TooLarge
from portico.domain.user import Caller
from portico.ports import Documents

MAX_BYTES = 10 * 1024 * 1024
SECONDS = 900  # how long the upload form holds
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Uploads:
    """Uploads of one tenant; whoever knows an id within the tenant may use it."""

    documents: Documents

    def begin(self, caller: Caller) -> dict[str, Any]:
        """`id`, and `url` and `fields` of the form to POST the file with (last part, `file`)."""
        upload_id = str(uuid4())
        form = self.documents.upload_form(_key(caller, upload_id), MAX_BYTES, SECONDS)
        return {"id": upload_id, **form, "maxBytes": MAX_BYTES, "expiresIn": SECONDS}

    def read(self, caller: Caller, upload_id: str) -> bytes:
        """The uploaded file; NotFound until it is there."""
        found = self.documents.read(_key(caller, upload_id)) if _ID.fullmatch(upload_id) else None
        if found is None:
            raise NotFound("Upload", upload_id[:36])
        if len(found) > MAX_BYTES:
            raise TooLarge(f"The upload has {len(found)} bytes; {MAX_BYTES} are allowed")
        return found

    def end(self, caller: Caller, upload_id: str) -> None:
        """Forget an upload that has been used."""
        if _ID.fullmatch(upload_id):
            self.documents.delete(_key(caller, upload_id))


def _key(caller: Caller, upload_id: str) -> str:
    return f"{caller.tenant}/uploads/{upload_id}"
