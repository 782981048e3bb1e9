"""A function's environment as one frozen value; read once, in its handler."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the template gives a function; a function that does not need a thing has '' there."""

    stage: str = ""
    catalog_table: str = ""
    access_table: str = ""
    gateway_table: str = ""
    traffic_table: str = ""
    operations_table: str = ""
    bucket: str = ""
    access_token_secret: str = ""
    backend_jwt_secret: str = ""
    admin_secret: str = ""
    admin_user: str = ""
    kms_key: str = ""
    http_api_id: str = ""
    authorizer_id: str = ""
    lifecycle_function: str = ""
    token_function: str = ""
    schedule_group: str = ""
    schedule_target: str = ""
    schedule_role: str = ""
    gateway_url: str = ""
    publisher_url: str = ""
    store_url: str = ""
    admin_url: str = ""
    mail_sender: str = ""
    webhook_secret: str = ""
    allowed_backend_hosts: tuple[str, ...] = ()
    plugin_packages: tuple[str, ...] = ()
    cache_seconds: float = 5.0
    undo_seconds: float = 3600.0
    key_rotation_days: float = 0.0
    route_limit: int = 300
    integration_limit: int = 300
    secure_cookies: bool = True


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from `PORTICO_*` variables."""

    def text(name: str) -> str:
        return environ.get(f"PORTICO_{name.upper()}", "")

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text(name).split(",") if part.strip())

    return Settings(
        **{
            name: text(name)
            for name, field in Settings.__dataclass_fields__.items()
            if field.type is str
        },
        allowed_backend_hosts=listed("allowed_backend_hosts"),
        plugin_packages=listed("plugin_packages"),
        cache_seconds=float(text("cache_seconds") or 5),
        undo_seconds=float(text("undo_seconds") or 3600),
        key_rotation_days=float(text("key_rotation_days") or 0),
        route_limit=int(text("route_limit") or 300),
        integration_limit=int(text("integration_limit") or 300),
        secure_cookies=text("secure_cookies") != "false",
    )
