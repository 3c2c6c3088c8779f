"""The logo of a client: fetched once by the guarded fetcher, drawn anew, kept and served by us (SEC-11, SEC-46)."""

from apps.exchange.models import Client
from apps.institution import files
from apps.institution.pictures import PictureRefused, redrawn
from apps.jobs.models import Job
from apps.jobs.running import Progress, kind, start
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.errors import FetchRefused

KIND = "client-logo"


def ask_for(client: Client) -> None:
    """Has the logo fetched in the background; until then, and if it cannot be used, none is shown."""
    start(KIND, "Logo of a connected system", arguments={"client": client.pk, "version": client.version})


@kind(KIND)
def fetch(job: Job, progress: Progress) -> None:
    """Fetches the logo that the client names now."""
    client = Client.objects.filter(pk=job.arguments["client"]).first()
    if client is None:
        return
    digest = ""
    try:
        answer = GuardedFetcher.from_settings(Budget.in_a_job()).fetch(client.logo_uri, kind="image")
        if answer.status == 200:
            digest = files.put(redrawn(answer.body).content)
    except FetchRefused as refusal:
        progress.update(reason=refusal.sentence)
    except PictureRefused as refusal:
        progress.update(reason=str(refusal))
    Client.objects.filter(pk=client.pk, logo_uri=client.logo_uri).update(logo_digest=digest)
