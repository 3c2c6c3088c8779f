"""A consent is given to a client, and is called so."""

from django.db import migrations


class Migration(migrations.Migration):
    """Names alone."""

    dependencies = [("exchange", "0002_connections")]
    operations = [
        migrations.RenameModel("Consent", "ClientConsent"),
        migrations.RenameIndex(
            "clientconsent",
            new_name="exchange_cl_user_id_5ec33b_idx",
            old_name="exchange_co_user_id_331864_idx",
        ),
    ]
