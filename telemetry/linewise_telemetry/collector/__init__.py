"""The collector: takes events and feedback over HTTP, trusts nobody, and keeps no address."""
