"""Routes of the learner's connections to other providers; they stand below /wallet/."""

from django.urls import path

from apps.exchange import connection_views as views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/return/<slug:way_back>/", views.come_back, name="connection_return"),
    path("connections/requests/<uuid:public_id>/", views.answer, name="intake_answer"),
    path("connections/records/<uuid:public_id>/", views.record, name="received_record"),
    path("connections/records/<uuid:public_id>/file", views.record_file, name="received_record_file"),
    path("connections/<uuid:public_id>/", views.connection, name="connection"),
    path("connections/<uuid:public_id>/look/", views.look, name="connection_look"),
    path("connections/<uuid:public_id>/again/", views.again, name="connection_again"),
    path("connections/<uuid:public_id>/send/", views.send, name="connection_send"),
    path(
        "connections/<uuid:public_id>/send/<uuid:sending_id>/again/",
        views.send_again,
        name="connection_send_again",
    ),
    path("connections/<uuid:public_id>/by-itself/", views.let_go, name="connection_let_go"),
    path("connections/<uuid:public_id>/disconnect/", views.disconnect, name="connection_disconnect"),
]
