"""Routes of sharing and of owning one's data; they stand at several places of the portal."""

from django.urls import path

from apps.wallet import own_data_views, share_pages, share_views

urlpatterns = [
    path("r/<str:token>/", share_pages.page, name="share-page"),
    path("r/<str:token>/items/<int:position>/file", share_pages.file, name="share-file"),
    path("r/<str:token>/items/<int:position>/record.pdf", share_pages.pdf, name="share-pdf"),
    path("r/<str:token>/items/<int:position>/verdict", share_pages.verdict, name="share-verdict"),
    path("records/<uuid:public_id>/share/", share_views.of_record, name="record-share"),
    path("wallet/shares/", share_views.shares, name="shares"),
    path("wallet/shares/new/", share_views.create, name="share-create"),
    path("wallet/shares/<uuid:public_id>/", share_views.detail, name="share-detail"),
    path("wallet/shares/<uuid:public_id>/withdraw/", share_views.withdraw, name="share-withdraw"),
    path("wallet/shares/<uuid:public_id>/qr.svg", share_views.qr, name="share-qr"),
    path("wallet/shares/<uuid:public_id>/receipt.json", share_views.receipt, name="share-receipt"),
    path("wallet/shares/<uuid:public_id>/receipt.txt", share_views.receipt_text, name="share-receipt-text"),
    path("account/disclosures/", own_data_views.disclosures, name="disclosures"),
    path("account/data/", own_data_views.data, name="own-data"),
    path("account/data/copy/", own_data_views.copy, name="own-data-copy"),
    path("account/data/<uuid:public_id>.zip", own_data_views.download, name="own-data-download"),
    path("account/data/delete/", own_data_views.delete, name="own-data-delete"),
]
