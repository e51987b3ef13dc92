"""Every setting of the server, in one typed place. Environment prefix: `FHIR_SERVER_`.

Each field is documented in `docs/settings.md`; a test fails where one is missing.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The server's settings, read from the environment (`FHIR_SERVER_DATABASE_URL=…`) or a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="FHIR_SERVER_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite:///fhir.db",
        description="Where resources live: `sqlite:///file.db` or `postgresql://user:password@host/db`.",
    )
    base_url: str = Field(
        "",
        description="The public base URL, e.g. `https://example.org/fhir`. Empty: taken from each request's Host header.",
    )
    auth: Literal["smart", "off"] = Field(
        "smart",
        description="`smart`: SMART on FHIR (not built yet: the server says so and does not start). `off`: no authorization, loopback only.",
    )
    insecure: bool = Field(default=False, description="Let `auth=off` bind an address that is not loopback.")
    default_tenant: str = Field("default", description="The tenant served at `/fhir`.")
    redis_url: str = Field(
        "", description="Where jobs wait for the worker, e.g. `redis://127.0.0.1:6379/0`. Empty: no worker."
    )
    pool_size: int = Field(12, ge=1, le=200, description="Database connections a worker keeps open.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe log line that is written."
    )
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")
    max_body_bytes: int = Field(
        50_000_000, ge=1000, description="The largest request body, in bytes, after decompression."
    )
    max_depth: int = Field(64, ge=8, le=200, description="The deepest nesting of a resource.")
    max_entries: int = Field(10_000, ge=1, description="The most entries of a batch or transaction.")
    max_url_length: int = Field(16_384, ge=256, description="The longest URL, in bytes.")
    request_timeout: float = Field(60.0, gt=0, description="Seconds after which a request is given up with 504.")
    query_timeout: float = Field(30.0, gt=0, description="Seconds after which the database gives up a search with 504.")
    default_count: int = Field(20, ge=1, description="Entries of a page where the request names no `_count`.")
    max_count: int = Field(
        1000,
        ge=1,
        description="The most entries of a page; a larger `_count` is lowered to it and the self link says so.",
    )
    max_parameters: int = Field(100, ge=1, description="The most search parameters of a request.")
    max_or_values: int = Field(500, ge=1, description="The most comma-separated values of a search parameter.")
    max_included: int = Field(
        10_000, ge=1, description="The most included resources of a page; over it the search is refused, never cut."
    )
    update_create: bool = Field(default=True, description="Whether an update of an id that does not exist creates it.")
    conditional_delete: Literal["single", "multiple", "not-supported"] = Field(
        "multiple", description="What a conditional delete may delete."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description='Origins that browsers may call from, as a JSON list; `["*"]` for all.'
    )
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description='Addresses or networks of proxies whose `X-Forwarded-Proto` and `X-Forwarded-Host` make links, as a JSON list; `["*"]` for all.',
    )
    link_secret: str = Field(
        "",
        description="Signs paging links; give all workers the same. Empty: one is made at start-up and shared by the workers of that start.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        """Refuse what would make broken links; a slash at the end is taken off."""
        if value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be an http or https URL without query, such as https://example.org/fhir")
        return value.rstrip("/")
